"""The figures of the site as rows have them now: what `/metrics` tells, and what is kept over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count, Sum
from django.db.models.functions import Now

from hosts.models import Host, HostState, Lease
from jobs.models import Engine, JobState, Outcome, Queue, Tally, WebProcess
from jobs.tallies.totals import totals

# Processes that have not reported for so long are gone.
SILENCE: Final = timedelta(seconds=90)
MICROSECONDS: Final = 1_000_000

Totals = Mapping[tuple[int, str], int]


@dataclass(frozen=True, slots=True)
class HostFigures:
    """A host, its state, its seats, and how many of them jobs have."""

    pk: int
    name: str
    state: str
    seats: int
    taken: int

    @property
    def label(self) -> str:
        """Its state in words."""
        return str(HostState(self.state).label)


@dataclass(frozen=True, slots=True)
class PartFigures:
    """The processes of one part of the site that have reported lately."""

    part: str
    processes: int
    memory_bytes: int


def host_figures() -> list[HostFigures]:
    """All hosts, by name."""
    taken = Counter(Lease.objects.filter(released_at=None).values_list("host_id", flat=True))
    rows = Host.objects.order_by("name").values_list("pk", "name", "state", "seats")
    return [HostFigures(pk, name, state, seats, taken[pk]) for pk, name, state, seats in rows]


def part_figures() -> list[PartFigures]:
    """Web processes and engines."""
    parts = (("web", WebProcess), ("engine", Engine))
    return [_part(name, model) for name, model in parts]


def _part(name: str, model: type[WebProcess] | type[Engine]) -> PartFigures:
    alive = model._default_manager.filter(seen_at__gte=Now() - SILENCE)
    found = alive.aggregate(count=Count("pk"), memory=Sum("memory_bytes"))
    return PartFigures(name, found["count"], found["memory"] or 0)


def read_figures() -> dict[str, float]:
    """Every figure that is kept over time, by its dotted name."""
    found = totals()
    queues = dict(Queue.objects.values_list("pk", "name"))
    told = [*_jobs(found, queues), *_runs(found, queues), *_hosts(), *_processes(found[Tally.Kind.ANSWERS])]
    return dict(told) | {"output.bytes": float(found[Tally.Kind.BYTES].get((0, ""), 0))}


def _jobs(found: Mapping[str, Totals], queues: Mapping[int, str]) -> Iterator[tuple[str, float]]:
    jobs = found[Tally.Kind.JOBS]
    for state in JobState.values:
        yield f"jobs.{state}", float(sum(jobs.get((pk, state), 0) for pk in queues))
        for pk, name in queues.items():
            yield f"queue.{name}.jobs.{state}", float(jobs.get((pk, state), 0))


def _runs(found: Mapping[str, Totals], queues: Mapping[int, str]) -> Iterator[tuple[str, float]]:
    """How many attempts have begun and ended since the installation, and how long they ran together."""
    counted = found[Tally.Kind.RUN], found[Tally.Kind.RUN_MICROSECONDS]
    for pk, name in queues.items():
        yield f"queue.{name}.starts", float(found[Tally.Kind.STARTS].get((pk, ""), 0))
        for outcome in Outcome.values:
            yield f"queue.{name}.ends.{outcome}", float(found[Tally.Kind.ENDS].get((pk, outcome), 0))
    for word, by_queue, unit in zip(("count", "seconds"), counted, (1, MICROSECONDS), strict=True):
        for pk, name in queues.items():
            yield f"queue.{name}.runs.{word}", sum(n for (queue, _), n in by_queue.items() if queue == pk) / unit
        yield f"runs.{word}", sum(by_queue.values()) / unit


def _hosts() -> Iterator[tuple[str, float]]:
    hosts = host_figures()
    for state in HostState.values:
        yield f"hosts.{state}", float(sum(host.state == state for host in hosts))
    yield "hosts.busy", float(sum(host.taken >= host.seats for host in hosts))
    yield "hosts.active", float(sum(0 < host.taken < host.seats for host in hosts))
    for host in hosts:
        yield f"host.{host.name}.jobs", float(host.taken)
        for state in HostState.values:
            yield f"host.{host.name}.state.{state}", float(host.state == state)


def _processes(answers: Totals) -> Iterator[tuple[str, float]]:
    for (_nothing, kind), count in answers.items():
        yield f"http.{kind}", float(count)
    for part in part_figures():
        yield f"processes.{part.part}", float(part.processes)
        yield f"memory.{part.part}", float(part.memory_bytes)
