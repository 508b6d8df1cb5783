"""Figures under batchd's names: as they are now, and read from those that the site keeps over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from accounts import policy
from accounts.models import User
from hosts.models import Host, Lease
from jobs.compat.batchd.words import ENDED, STATUSES, jobs_by_status
from jobs.measures.history import MOST_POINTS, Line, TooMany, lines, looks
from jobs.models import Job, JobState, Queue, Series

# What is kept tells neither what is held from what waits, nor the phases of what runs.
KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "New": (JobState.READY, JobState.BLOCKED),
    "Processing": (JobState.RUNNING,),
    **{word: tuple(state for state, told in ENDED.items() if told == word) for word in ("Done", "Failed")},
}
ANSWERS: Final = ("2xx", "3xx", "4xx", "5xx")


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure at a moment: a counter or gauge, a label, or a distribution."""

    name: str
    kind: str
    value: int | None = None
    text: str | None = None
    count: int | None = None
    total: float | None = None

    @property
    def mean(self) -> float | None:
        """None of what is no distribution."""
        return self.total / self.count if self.count and self.total is not None else self.total


@dataclass(frozen=True, slots=True)
class Figure:
    """One of batchd's figures, and the site's own of which it is made.

    kind   c counter, g gauge: the sum of its sources; d distribution: of a count and a sum; l label: of a host
    seats  of that host
    """

    name: str
    kind: str
    sources: tuple[str, ...]
    seats: int = 0

    def read(self, values: Sequence[float]) -> Reading:
        """Its reading, given the values of its sources."""
        if self.kind == "d":
            return Reading(self.name, "d", count=int(values[0]), total=values[1])
        whole = int(sum(values))
        return status(self.name, whole, self.seats) if self.kind == "l" else Reading(self.name, self.kind, whole)


def status(name: str, jobs: int, seats: int) -> Reading:
    """What a host does, in batchd's words."""
    return Reading(name, "l", text="Busy" if jobs >= seats else "Active" if jobs else "Free")


# --- now ---


def current(user: User) -> list[Reading]:
    """All figures of the queues, jobs and hosts that `user` may see, and for superusers those of the site itself."""
    rows = {row.name: row.value for row in Series.objects.filter(name__in=_sources(_of_site(user)))}
    kept = [figure for figure in _of_site(user) if set(figure.sources) <= rows.keys()]
    return [*_jobs(user), *_hosts(user), *(one.read([rows[name] for name in one.sources]) for one in kept)]


def _jobs(user: User) -> Iterator[Reading]:
    queues = dict(policy.visible(user, Queue.objects.order_by("name")).values_list("pk", "name"))
    rows = policy.visible(user, Job.objects.filter(queue__in=queues))
    counts = jobs_by_status(rows, policy.jobs_by_state(user, list(queues)))
    for word in STATUSES:
        yield Reading(f"batchd.jobs.{word}", "g", sum(told.get(word.lower(), 0) for told in counts.values()))
    for pk, name in queues.items():
        told = counts.get(pk, {})
        yield from (Reading(f"batchd.queue.{name}.jobs.{word}", "g", told.get(word.lower(), 0)) for word in STATUSES)


def _hosts(user: User) -> Iterator[Reading]:
    taken = Counter(Lease.objects.filter(released_at=None).values_list("host_id", flat=True))
    hosts = list(policy.visible(user, Host.objects.order_by("name")))
    for host in hosts:
        yield Reading(f"batchd.host.{host}.jobs", "g", taken[host.pk])
        yield status(f"batchd.host.{host}.status", taken[host.pk], host.seats)
    yield Reading("batchd.hosts.active", "g", sum(0 < taken[host.pk] < host.seats for host in hosts))
    yield Reading("batchd.hosts.busy", "g", sum(taken[host.pk] >= host.seats for host in hosts))


# --- over time ---


def kept(user: User, *, prefix: str = "") -> list[Figure]:
    """The figures over time that `user` may see, of those whose names begin so.

    Counts of jobs are those of queues of which they may see every job: what was is not known job by job.
    """
    told = (*_of_jobs(user), *of_queues(user), *_of_hosts(user), *_of_site(user))
    return [figure for figure in told if figure.name.startswith(prefix)]


def of_queues(user: User) -> Iterator[Figure]:
    """How many jobs queues have in each status."""
    for queue in policy.queues_seen_whole(user):
        for word, states in KEPT.items():
            sources = tuple(f"queue.{queue}.jobs.{state}" for state in states)
            yield Figure(f"batchd.queue.{queue}.jobs.{word}", "g", sources)


def _of_jobs(user: User) -> Iterator[Figure]:
    if not policy.may_everywhere(user, "view", Job):
        return
    for word, states in KEPT.items():
        yield Figure(f"batchd.jobs.{word}", "g", tuple(f"jobs.{state}" for state in states))


def _of_hosts(user: User) -> Iterator[Figure]:
    for host in policy.visible(user, Host.objects.order_by("name")):
        source = (f"host.{host}.jobs",)
        yield Figure(f"batchd.host.{host}.jobs", "g", source)
        yield Figure(f"batchd.host.{host}.status", "l", source, host.seats)
    if policy.may_everywhere(user, "view", Host):
        yield from (Figure(f"batchd.hosts.{word}", "g", (f"hosts.{word}",)) for word in ("active", "busy"))


def _of_site(user: User) -> Iterator[Figure]:
    if not policy.is_super(user):
        return
    yield Figure("batchd.job.duration", "d", ("runs.count", "runs.seconds"))
    yield from (Figure(f"batchd.wai.response_status_{word}", "c", (f"http.{word}",)) for word in ANSWERS)
    yield Figure("rts.gc.current_bytes_used", "g", ("memory.web", "memory.engine"))


def _sources(figures: Iterator[Figure] | Sequence[Figure]) -> set[str]:
    return {name for figure in figures for name in figure.sources}


def over(figures: Sequence[Figure], *, begin: datetime, end: datetime) -> list[tuple[datetime, Reading]]:
    """What each look of a period found, the oldest first. Raises TooMany."""
    moments = looks(begin=begin, end=end)
    if len(moments) * len(figures) > MOST_POINTS:
        raise TooMany(f"These are more than {MOST_POINTS} records.")
    found = lines(Series.objects.filter(name__in=_sources(figures)), begin=begin, end=end)
    known = {line.name: line for line in found}
    return [(at, one) for at in moments for figure in figures if (one := _read(figure, known, at)) is not None]


def _read(figure: Figure, known: Mapping[str, Line], at: datetime) -> Reading | None:
    """None where nothing is known of it yet."""
    values = [known[name].at(at) if name in known else None for name in figure.sources]
    if all(value is None for value in values):
        return None
    return figure.read([value or 0.0 for value in values])
