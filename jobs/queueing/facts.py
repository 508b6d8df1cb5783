"""What the gates look at: plain values loaded in a fixed number of queries.

Counts are mutable: the planner consumes capacity in them as it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hosts.models import HostState
from jobs.timing.windows import Timetable


@dataclass(slots=True)
class QueueFacts:
    id: int
    name: str
    is_enabled: bool
    timetable: Timetable | None
    schedule: str
    max_running: int | None
    weight: int
    running: int = 0


@dataclass(slots=True)
class TypeFacts:
    id: int
    name: str
    max_running: int | None
    running: int = 0


@dataclass(slots=True)
class HostFacts:
    id: int
    name: str
    is_enabled: bool
    state: HostState
    state_reason: str
    retry_at: datetime | None
    seats: int
    taken: set[int] = field(default_factory=set)

    @property
    def free(self) -> int:
        return max(0, self.seats - len(self.taken))

    def take(self) -> int:
        """The number of the lowest free seat, now taken."""
        seat = next(n for n in range(self.seats) if n not in self.taken)
        self.taken.add(seat)
        return seat


@dataclass(slots=True)
class LaneFacts:
    """A lane and where its jobs may run: `hosts` in the order they are tried; `place` is how people call that."""

    id: int
    queue: QueueFacts
    type: TypeFacts
    hosts: tuple[HostFacts, ...]
    place: str


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a job's own gates and its place in line depend on."""

    id: int
    lane: int
    priority: int
    position: int
    is_held: bool
    not_before: datetime | None
    retry_at: datetime | None
    tries: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        """Sort key within a queue: larger priority first, then position, then id."""
        return (-self.priority, self.position, self.id)


@dataclass(slots=True)
class Facts:
    """One snapshot of everything that can stop a job. `clock_off`: the engine's clock against the database's."""

    is_paused: bool
    lanes: Mapping[int, LaneFacts]
    clock_off: timedelta = timedelta(0)
