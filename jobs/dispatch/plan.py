"""Which waiting jobs would start now, and where. Pure: facts and heads in, a plan out."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from jobs.queueing.facts import Facts, HostFacts, JobFacts, LaneFacts
from jobs.queueing.gates import Blocker, host_blocker, job_blockers, lane_blockers, site_blockers


@dataclass(frozen=True, slots=True)
class Start:
    """One job that starts, on which host and seat; or that is handed to the host to follow an attempt in its seat."""

    job: JobFacts
    host: HostFacts
    seat: int | None
    after: int | None = None


@dataclass(slots=True)
class Plan:
    """`starts` in the order they were chosen; for each lane that stopped, why, and why single jobs were passed over."""

    starts: list[Start] = field(default_factory=list)
    stopped: dict[int, list[Blocker]] = field(default_factory=dict)
    passed_over: dict[int, list[Blocker]] = field(default_factory=dict)


def capacity(lane: LaneFacts, at: datetime) -> int:
    """How many jobs of `lane` could start now at the very most."""
    room = sum(host.free for host in lane.hosts if host_blocker(host, at) is None)
    for limit, running in ((lane.queue.max_running, lane.queue.running), (lane.type.max_running, lane.type.running)):
        if limit is not None:
            room = min(room, max(0, limit - running))
    return room


def open_lanes(facts: Facts, at: datetime) -> dict[int, int]:
    """Lanes in which something could start, each with its capacity."""
    if site_blockers(facts, at):
        return {}
    return {id_: capacity(lane, at) for id_, lane in facts.lanes.items() if not lane_blockers(lane, at)}


def make(facts: Facts, heads: Mapping[int, Sequence[JobFacts]], *, at: datetime) -> Plan:
    """Choose what starts: queues by share of seats, within a queue by priority and order.

    `heads` are the first ready jobs of each open lane, in order, at least as many as its capacity.
    Consumes capacity in `facts`. A lane that meets a shut gate stops there; other lanes of the same
    queue go on, so a full host does not hold up work for another.
    """
    plan = Plan()
    if site_blockers(facts, at):
        return plan
    line = _Line(facts, heads)
    while (job := line.pop()) is not None:
        lane = facts.lanes[job.lane]
        if blockers := lane_blockers(lane, at):
            plan.stopped[lane.id] = blockers
            line.drop(lane.id)
        elif blockers := job_blockers(job, at):
            plan.passed_over[job.id] = blockers
        else:
            plan.starts.append(_start(job, lane, at))
    return plan


def _start(job: JobFacts, lane: LaneFacts, at: datetime) -> Start:
    host = next(host for host in lane.hosts if host_blocker(host, at) is None)
    lane.queue.running += 1
    lane.type.running += 1
    return Start(job, host, host.take())


class _Line:
    """The jobs of all open lanes in the order in which they are offered a seat."""

    def __init__(self, facts: Facts, heads: Mapping[int, Sequence[JobFacts]]) -> None:
        self._facts = facts
        self._of_queue: dict[int, list[tuple[tuple[int, int, int], JobFacts]]] = defaultdict(list)
        for lane, jobs in heads.items():
            queue = facts.lanes[lane].queue.id
            self._of_queue[queue].extend((job.order, job) for job in jobs)
        for jobs_of_queue in self._of_queue.values():
            heapq.heapify(jobs_of_queue)
        self._dropped: set[int] = set()
        self._queues = {facts.lanes[lane].queue.id: facts.lanes[lane].queue for lane in heads}

    def pop(self) -> JobFacts | None:
        """The next job: of the queue with the smallest share of running jobs, its first in order."""
        while self._of_queue:
            queue = min(self._of_queue, key=self._share)
            jobs = self._of_queue[queue]
            while jobs and jobs[0][1].lane in self._dropped:
                heapq.heappop(jobs)
            if jobs:
                return heapq.heappop(jobs)[1]
            del self._of_queue[queue]
        return None

    def drop(self, lane: int) -> None:
        self._dropped.add(lane)

    def _share(self, queue: int) -> tuple[Fraction, int]:
        facts = self._queues[queue]
        return (Fraction(facts.running, facts.weight), queue)
