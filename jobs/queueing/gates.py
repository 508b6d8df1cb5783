"""The gates that let a job start: pure functions over facts, the same for dispatcher and explain.

A gate answers with blockers; none means it is open. A gate's scope says what it is asked about:
the site, a lane (all its jobs share the answer) or one job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hosts.models import HostState
from jobs.queueing.facts import Facts, HostFacts, JobFacts, LaneFacts
from jobs.timing.windows import is_open, next_opening

# Windows are asked by the engine's clock, leases by the database's: further apart, neither can be believed.
CLOCK_LIMIT: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that keeps a job from starting: a sentence, and when that may change (None: on an event)."""

    kind: str
    message: str
    until: datetime | None = None


SiteGate = Callable[[Facts, datetime], Iterator[Blocker]]
LaneGate = Callable[[LaneFacts, datetime], Iterator[Blocker]]
JobGate = Callable[[JobFacts, datetime], Iterator[Blocker]]


def site_paused(facts: Facts, at: datetime) -> Iterator[Blocker]:
    if facts.is_paused:
        yield Blocker("site_paused", "The whole site is paused: nothing starts until somebody resumes it.")


def clocks_agree(facts: Facts, at: datetime) -> Iterator[Blocker]:
    if abs(facts.clock_off) > CLOCK_LIMIT:
        seconds = facts.clock_off.total_seconds()
        told = f"The engine's clock is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} the database's"
        yield Blocker("clock_off", f"{told}; nothing starts until they agree within {CLOCK_LIMIT.seconds} s.")


def queue_enabled(lane: LaneFacts, at: datetime) -> Iterator[Blocker]:
    if not lane.queue.is_enabled:
        yield Blocker("queue_disabled", f'Queue "{lane.queue.name}" is disabled.')


def window_open(lane: LaneFacts, at: datetime) -> Iterator[Blocker]:
    timetable = lane.queue.timetable
    if timetable is None or is_open(timetable, at):
        return
    opens = next_opening(timetable, at)
    when = f"opens {opens.astimezone(timetable.zone):%a %Y-%m-%d %H:%M %Z}" if opens else "does not open again"
    yield Blocker(
        "window_closed",
        f'The window of queue "{lane.queue.name}" (schedule "{lane.queue.schedule}") is closed; it {when}.',
        opens,
    )


def queue_limit(lane: LaneFacts, at: datetime) -> Iterator[Blocker]:
    queue = lane.queue
    if queue.max_running is not None and queue.running >= queue.max_running:
        yield Blocker(
            "queue_limit", f'Queue "{queue.name}" runs {queue.running} jobs and may run {queue.max_running} at once.'
        )


def type_limit(lane: LaneFacts, at: datetime) -> Iterator[Blocker]:
    kind = lane.type
    if kind.max_running is not None and kind.running >= kind.max_running:
        yield Blocker(
            "type_limit", f'{kind.running} jobs of type "{kind.name}" run and {kind.max_running} may run at once.'
        )


def host_available(lane: LaneFacts, at: datetime) -> Iterator[Blocker]:
    """Open if any host of the lane can take a job; else what is wrong with each."""
    if not lane.hosts:
        yield Blocker("no_host", f"There is no host to run on: {lane.place} has none.")
        return
    wrong = [host_blocker(host, at) for host in lane.hosts]
    if all(wrong):
        yield from (blocker for blocker in wrong if blocker)


def host_blocker(host: HostFacts, at: datetime) -> Blocker | None:
    """Why `host` can take no job now; None if it can."""
    if not host.is_enabled:
        return Blocker("host_disabled", f'Host "{host.name}" is disabled.')
    if host.state == HostState.UNREACHABLE and (host.retry_at is None or host.retry_at > at):
        return Blocker("host_unreachable", f'Host "{host.name}" cannot be reached: {host.state_reason}', host.retry_at)
    if host.state == HostState.STARTING:
        return Blocker("host_starting", f'Host "{host.name}" is starting. {host.state_reason}'.rstrip())
    if not host.free:
        return Blocker("no_free_seat", f'All seats of host "{host.name}" are taken ({host.seats}).')
    return None


def due(job: JobFacts, at: datetime) -> Iterator[Blocker]:
    if job.not_before is not None and job.not_before > at:
        yield Blocker("not_due", f"It is not to start before {job.not_before:%Y-%m-%d %H:%M:%S} UTC.", job.not_before)


def not_held(job: JobFacts, at: datetime) -> Iterator[Blocker]:
    if job.is_held:
        yield Blocker("held", "It is held until somebody releases it.")


def retry_due(job: JobFacts, at: datetime) -> Iterator[Blocker]:
    if job.retry_at is not None and job.retry_at > at:
        yield Blocker("retry_delay", f"Its next attempt is at {job.retry_at:%Y-%m-%d %H:%M:%S} UTC.", job.retry_at)


SITE_GATES: Final[tuple[SiteGate, ...]] = (site_paused, clocks_agree)
LANE_GATES: Final[tuple[LaneGate, ...]] = (queue_enabled, window_open, queue_limit, type_limit, host_available)
JOB_GATES: Final[tuple[JobGate, ...]] = (not_held, due, retry_due)


def site_blockers(facts: Facts, at: datetime) -> list[Blocker]:
    return [blocker for gate in SITE_GATES for blocker in gate(facts, at)]


def lane_blockers(lane: LaneFacts, at: datetime) -> list[Blocker]:
    return [blocker for gate in LANE_GATES for blocker in gate(lane, at)]


def job_blockers(job: JobFacts, at: datetime) -> list[Blocker]:
    """What a job's own gates say. Not empty: the job is blocked, whatever its lane."""
    return [blocker for gate in JOB_GATES for blocker in gate(job, at)]


def wake_at(blockers: Sequence[Blocker]) -> datetime | None:
    """When all of `blockers` may be gone: the last of their moments; None if one waits for an event."""
    if not blockers or any(blocker.until is None for blocker in blockers):
        return None
    return max(blocker.until for blocker in blockers if blocker.until is not None)
