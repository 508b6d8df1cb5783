"""Loads the facts of the gates, and the heads of lanes, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import Count, Exists, OuterRef, QuerySet

from hosts import leases
from hosts.models import Host, HostState, PoolMember
from jobs.models import Attempt, Job, JobState, Lane, Queue, Site
from jobs.queueing.facts import Facts, HostFacts, JobFacts, LaneFacts, QueueFacts, TypeFacts
from jobs.queueing.timetables import timetables
from jobs.queueing.waking import facts_of

DEFAULT_HOST = "localhost"

JOB_COLUMNS = ("id", "lane_id", "priority", "position", "is_held", "not_before", "retry_at", "tries")


def waiting_lanes() -> QuerySet[Lane]:
    """Lanes with a ready job: one look into the partial index each, however many jobs wait."""
    ready = Job.objects.filter(lane=OuterRef("pk"), state=JobState.READY)
    return Lane.objects.filter(Exists(ready))


def load(lanes: QuerySet[Lane], *, site: Site) -> Facts:
    """The facts about `lanes`. A fixed number of queries, whatever waits or has finished."""
    rows = list(lanes.select_related("queue", "type"))
    hosts = _hosts()
    pools = _pools(hosts)
    queues = _queues(row.queue for row in rows)
    types = {row.type_id: TypeFacts(row.type_id, row.type.name, row.type.max_running) for row in rows}
    _count_running(queues, types)
    facts = {}
    for row in rows:
        candidates, place = _placement(row, hosts, pools)
        facts[row.id] = LaneFacts(row.id, queues[row.queue_id], types[row.type_id], candidates, place)
    return Facts(is_paused=site.is_paused, lanes=facts)


def heads(wanted: Mapping[int, int]) -> dict[int, list[JobFacts]]:
    """The first ready jobs of each lane, at most `wanted[lane]`, in order. One query."""
    found: dict[int, list[JobFacts]] = defaultdict(list)
    if not wanted:
        return found
    limit = max(wanted.values())
    columns = ", ".join(f"j.{name}" for name in JOB_COLUMNS)
    sql = f"""
        SELECT {columns} FROM jobs_lane l JOIN jobs_job j ON j.id IN (
            SELECT id FROM jobs_job WHERE lane_id = l.id AND state = 'ready'
            ORDER BY priority DESC, position, id LIMIT %s)
        WHERE l.id IN ({", ".join(["%s"] * len(wanted))})
        ORDER BY j.priority DESC, j.position, j.id
    """  # noqa: S608  (column names are constants of this file)
    for job in Job.objects.raw(sql, [limit, *wanted]):
        if len(found[job.lane_id]) < wanted[job.lane_id]:
            found[job.lane_id].append(facts_of(job))
    return found


def _queues(rows: Iterable[Queue]) -> dict[int, QueueFacts]:
    distinct = {row.id: row for row in rows}
    tables = timetables({row.schedule_id for row in distinct.values() if row.schedule_id})
    facts = {}
    for row in distinct.values():
        name, table = tables.get(row.schedule_id or 0, ("", None))
        facts[row.id] = QueueFacts(row.id, row.name, row.enabled, table, name, row.max_running, row.weight)
    return facts


def _count_running(queues: Mapping[int, QueueFacts], types: Mapping[int, TypeFacts]) -> None:
    """Counts open attempts, of which there are never more than seats."""
    open_ = Attempt.objects.filter(finished_at=None).values("lane__queue", "lane__type").annotate(n=Count("id"))
    for row in open_:
        if queue := queues.get(row["lane__queue"]):
            queue.running += row["n"]
        if type_ := types.get(row["lane__type"]):
            type_.running += row["n"]


def _hosts() -> dict[int, HostFacts]:
    rows = {row.id: row for row in Host.objects.all()}
    seats = leases.taken(rows.keys())
    return {
        id_: HostFacts(
            id_, row.name, row.enabled, HostState(row.state), row.state_reason, row.retry_at, row.seats, seats[id_]
        )
        for id_, row in rows.items()
    }


def _pools(hosts: Mapping[int, HostFacts]) -> dict[int, tuple[HostFacts, ...]]:
    members: dict[int, list[HostFacts]] = defaultdict(list)
    for pool, host in PoolMember.objects.order_by("position", "id").values_list("pool_id", "host_id"):
        members[pool].append(hosts[host])
    return {pool: tuple(found) for pool, found in members.items()}


def _placement(
    lane: Lane, hosts: Mapping[int, HostFacts], pools: Mapping[int, tuple[HostFacts, ...]]
) -> tuple[tuple[HostFacts, ...], str]:
    """Where a lane's jobs may run: the job's host, the type's, the queue's host or pool, this machine."""
    named = lane.host_id or lane.type.host_id or lane.queue.host_id
    if named:
        return (hosts[named],), f'host "{hosts[named].name}"'
    if lane.queue.pool_id:
        return pools.get(lane.queue.pool_id, ()), f'the pool of queue "{lane.queue.name}"'
    here = tuple(host for host in hosts.values() if host.name == DEFAULT_HOST)
    return here, f'the default host "{DEFAULT_HOST}"'
