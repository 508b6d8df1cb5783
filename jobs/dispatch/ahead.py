"""Jobs that are handed to a host before it has a seat for them, each to follow a run that will soon be over.

So the host need not wait for us between two short runs. It keeps what it was given for `PATIENCE` at most. Only one
lane's jobs are handed ahead, and only where nothing but a seat can stop them and nobody else may want that seat
meanwhile: then they start in the order, and under the limits, in which they would have started anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from jobs.dispatch.plan import Start
from jobs.queueing.facts import Facts, HostFacts, JobFacts, LaneFacts
from jobs.queueing.gates import host_blocker, job_blockers, queue_enabled, site_blockers, window_open
from scheduler_site.records import query

PATIENCE: Final = timedelta(seconds=2)
# How many may wait for one seat: so the host has work for as long as we take for a batch of ends.
DEPTH: Final = 2
OPEN: Final = """
    SELECT a.id, a.after, a.lane_id, a.host_id, l.seat,
           EXISTS (SELECT 1 FROM jobs_attempt n WHERE n.after = a.id AND n.finished_at IS NULL)
    FROM jobs_attempt a LEFT JOIN hosts_lease l ON l.holder = a.id AND l.released_at IS NULL
    WHERE a.id IN ({}) AND a.finished_at IS NULL AND a.request = '' AND a.phase <> 'paused'
    ORDER BY a.id
"""


class _Open(NamedTuple):
    attempt: int
    after: int | None
    lane: int
    host: int
    seat: int | None
    is_followed: bool


@dataclass(frozen=True, slots=True)
class Following:
    """Attempts of one host, any of which a job of this lane may follow."""

    lane: LaneFacts
    host: HostFacts
    attempts: Sequence[int]

    def starts(self, heads: Mapping[int, Sequence[JobFacts]], *, taken: Sequence[Start], at: datetime) -> list[Start]:
        """What follows: the lane's first jobs of those that have not been taken."""
        started = {start.job.id for start in taken}
        line = (job for job in heads.get(self.lane.id, ()) if job.id not in started and not job_blockers(job, at))
        pairs = zip(self.attempts, line, strict=False)
        return [Start(job, self.host, seat=None, after=before) for before, job in pairs]


def following(facts: Facts, short: Sequence[int], *, at: datetime) -> Following | None:
    """What of the open attempts `short`, all of one host, may be followed. None: nothing."""
    rows = [_Open(*row) for row in query(OPEN.format(", ".join(["%s"] * len(short))), list(short))] if short else []
    if not rows or site_blockers(facts, at):
        return None
    lane = _only_lane(facts, rows[0].host, at)
    if lane is None:
        return None
    host = next(host for host in lane.hosts if host.id == rows[0].host)
    known = {row.attempt: row for row in rows}
    ranked = [(_depth(row, known, seats=host.seats), row.attempt) for row in rows if row.lane == lane.id]
    last = sorted((depth, attempt) for depth, attempt in ranked if depth < DEPTH and not known[attempt].is_followed)
    return Following(lane, host, [attempt for _, attempt in last]) if last else None


def _depth(row: _Open, known: Mapping[int, _Open], *, seats: int) -> int:
    """How many are between an attempt and its seat, itself included; `DEPTH` where that cannot be told."""
    for depth in range(DEPTH):
        if row.seat is not None:
            return depth if row.seat < seats else DEPTH
        before = known.get(row.after or 0)
        if before is None:
            break
        row = before
    return DEPTH


def _only_lane(facts: Facts, host: int, at: datetime) -> LaneFacts | None:
    """The lane whose jobs are the only ones that may want a seat of this host before `PATIENCE` is over."""
    there = [(lane, found) for lane in facts.lanes.values() for found in lane.hosts if found.id == host]
    wanting = [(lane, found) for lane, found in there if _is_open(lane, at) or _is_open(lane, at + PATIENCE)]
    if len(wanting) != 1:
        return None
    ((lane, found),) = wanting
    blocker = host_blocker(found, at)
    is_limited = lane.queue.max_running is not None or lane.type.max_running is not None
    is_shut = not (_is_open(lane, at) and _is_open(lane, at + PATIENCE))
    is_gone = blocker is not None and blocker.kind != "no_free_seat"
    return None if is_limited or is_shut or is_gone else lane


def _is_open(lane: LaneFacts, at: datetime) -> bool:
    return not any(queue_enabled(lane, at)) and not any(window_open(lane, at))
