"""Loads the facts of the gates, and the heads of lanes, in a fixed number of queries.

In SQL, as this is asked for every few jobs that start or end: building the same queries anew from
models took half of the dispatcher's time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from django.db import connection

from hosts import leases
from hosts.models import HostState
from jobs.queueing.facts import Facts, HostFacts, JobFacts, LaneFacts, QueueFacts, TypeFacts
from jobs.queueing.timetables import timetables
from jobs.timing.windows import Timetable
from scheduler_site.records import moment, query

DEFAULT_HOST: Final = "localhost"
JOB_COLUMNS: Final = ("id", "lane_id", "priority", "position", "is_held", "not_before", "retry_at", "tries")

# One look into the partial index for each lane, however many jobs wait. SQLite has to be told: it knows no counts,
# so it may take another index of the lane and read all of its jobs.
LANES: Final = """
    SELECT l.id, l.host_id, q.id, q.name, q.enabled, q.schedule_id, q.max_running, q.weight, q.host_id, q.pool_id,
           t.id, t.name, t.max_running, t.host_id
    FROM jobs_lane l JOIN jobs_queue q ON q.id = l.queue_id JOIN jobs_jobtype t ON t.id = l.type_id
    WHERE l.id = %s OR EXISTS (SELECT 1 FROM jobs_job j {ready} WHERE j.lane_id = l.id AND j.state = 'ready')
"""
# Never more open attempts than seats, and those few that are to follow in each.
RUNNING: Final = """
    SELECT l.queue_id, l.type_id, COUNT(*) FROM jobs_attempt a JOIN jobs_lane l ON l.id = a.lane_id
    WHERE a.finished_at IS NULL GROUP BY l.queue_id, l.type_id
"""
HOSTS: Final = "SELECT id, name, enabled, state, state_reason, retry_at, seats FROM hosts_host"
POOLS: Final = "SELECT pool_id, host_id FROM hosts_poolmember ORDER BY position, id"
# Each lane's own look: PostgreSQL takes the one for SQLite as a question about every job there is, and SQLite does
# not know LATERAL.
HEADS: Final = {
    "sqlite": """
        SELECT {columns} FROM jobs_lane l JOIN jobs_job j ON j.id IN (
            SELECT id FROM jobs_job INDEXED BY job_next_ready WHERE lane_id = l.id AND state = 'ready'
            ORDER BY priority DESC, position, id LIMIT %s)
        WHERE l.id IN ({lanes})
        ORDER BY j.priority DESC, j.position, j.id
    """,
    "postgresql": """
        SELECT {columns} FROM jobs_lane l CROSS JOIN LATERAL (
            SELECT * FROM jobs_job WHERE lane_id = l.id AND state = 'ready'
            ORDER BY priority DESC, position, id LIMIT %s) j
        WHERE l.id IN ({lanes})
        ORDER BY j.priority DESC, j.position, j.id
    """,
}
READY: Final = {"sqlite": "INDEXED BY job_next_ready", "postgresql": ""}


class _LaneRow(NamedTuple):
    id: int
    host: int | None
    queue: int
    queue_name: str
    is_enabled: bool
    schedule: int | None
    queue_limit: int | None
    weight: int
    queue_host: int | None
    pool: int | None
    type: int
    type_name: str
    type_limit: int | None
    type_host: int | None


def load(*, is_paused: bool, also: int = 0) -> Facts:
    """The facts about every lane with a ready job, and about lane `also`."""
    rows = [_LaneRow(*row) for row in query(LANES.format(ready=READY[connection.vendor]), [also])]
    if not rows:
        return Facts(is_paused=is_paused, lanes={})
    hosts = _hosts()
    pools = _pools(hosts) if any(row.pool for row in rows) else {}
    queues = _queues(rows)
    types = {row.type: TypeFacts(row.type, row.type_name, row.type_limit) for row in rows}
    _count_running(queues, types)
    lanes = {}
    for row in rows:
        candidates, place = _placement(row, hosts, pools)
        lanes[row.id] = LaneFacts(row.id, queues[row.queue], types[row.type], candidates, place)
    return Facts(is_paused=is_paused, lanes=lanes)


def heads(wanted: Mapping[int, int]) -> dict[int, list[JobFacts]]:
    """The first ready jobs of each lane, at most `wanted[lane]`, in order. One query."""
    found: dict[int, list[JobFacts]] = defaultdict(list)
    if not wanted:
        return found
    columns = ", ".join(f"j.{name}" for name in JOB_COLUMNS)
    sql = HEADS[connection.vendor].format(columns=columns, lanes=", ".join(["%s"] * len(wanted)))
    for pk, lane, priority, position, is_held, not_before, retry_at, tries in query(
        sql, [max(wanted.values()), *wanted]
    ):
        job = JobFacts(pk, lane, priority, position, bool(is_held), moment(not_before), moment(retry_at), tries)
        if len(found[job.lane]) < wanted[job.lane]:
            found[job.lane].append(job)
    return found


def _queues(rows: Iterable[_LaneRow]) -> dict[int, QueueFacts]:
    distinct = {row.queue: row for row in rows}
    tables = timetables({row.schedule for row in distinct.values() if row.schedule})
    return {id_: _queue(row, *tables.get(row.schedule or 0, ("", None))) for id_, row in distinct.items()}


def _queue(row: _LaneRow, schedule: str, timetable: Timetable | None) -> QueueFacts:
    return QueueFacts(row.queue, row.queue_name, bool(row.is_enabled), timetable, schedule, row.queue_limit, row.weight)


def _count_running(queues: Mapping[int, QueueFacts], types: Mapping[int, TypeFacts]) -> None:
    for queue, kind, count in query(RUNNING):
        if queue in queues:
            queues[queue].running += count
        if kind in types:
            types[kind].running += count


def _hosts() -> dict[int, HostFacts]:
    taken = leases.taken()
    return {
        pk: HostFacts(
            pk, name, bool(is_enabled), HostState(state), reason, moment(retry_at), seats, taken.get(pk, set())
        )
        for pk, name, is_enabled, state, reason, retry_at, seats in query(HOSTS)
    }


def _pools(hosts: Mapping[int, HostFacts]) -> dict[int, tuple[HostFacts, ...]]:
    members: dict[int, list[HostFacts]] = defaultdict(list)
    for pool, host in query(POOLS):
        members[pool].append(hosts[host])
    return {pool: tuple(found) for pool, found in members.items()}


def _placement(
    lane: _LaneRow, hosts: Mapping[int, HostFacts], pools: Mapping[int, tuple[HostFacts, ...]]
) -> tuple[tuple[HostFacts, ...], str]:
    """Where a lane's jobs may run: the job's host, the type's, the queue's host or pool, this machine."""
    named = lane.host or lane.type_host or lane.queue_host
    if named:
        return (hosts[named],), f'host "{hosts[named].name}"'
    if lane.pool:
        return pools.get(lane.pool, ()), f'the pool of queue "{lane.queue_name}"'
    here = tuple(host for host in hosts.values() if host.name == DEFAULT_HOST)
    return here, f'the default host "{DEFAULT_HOST}"'
