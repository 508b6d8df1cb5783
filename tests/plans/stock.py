"""A database with very many jobs, made by set SQL on an empty one that has been migrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import User
from hosts.models import Host
from jobs.models import Attempt, Event, Job, Queue
from jobs.queueing.submit import Request, submit
from jobs.tallies.triggers import JOBS_NOW
from tests.builders import MONDAY_NOON, make_host, make_queue, make_type, make_user

# Often enough for a planner to hope for it among the newest, where none is.
RARE_EVERY: Final = 50
TABLES: Final = (Job, Attempt, Event)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs there are."""

    ready: int
    finished: int


SUITE: Final = Counts(ready=20_000, finished=200_000)
FULL: Final = Counts(ready=100_000, finished=1_000_000)


def fill(counts: Counts) -> None:
    """First the ready jobs, so that what waits is what a list of the newest meets last; then the finished ones.

    One in fifty of the older half of the finished is of another queue, type, owner, host and has failed: what
    is looked for is also far away.
    """
    call_command("migrate", verbosity=0)
    call_command("first_start", verbosity=0)
    template = _template()
    with transaction.atomic():
        _trust_us()
        _copy_jobs(template, counts)
        _copy_attempts(template, counts)
        _copy_outputs()
        _copy_events(template, counts)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM jobs_tally WHERE kind = 'jobs'")
            cursor.execute(JOBS_NOW)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _template() -> Job:
    """A job like those to come, and one of everything that is rare. All of it ready: no host is enabled yet."""
    Host.objects.update(enabled=False)
    make_type("rare")
    far = make_host("far", enabled=False)
    owner = User.objects.get(username="admin")
    template = submit(Request(queue="default", type="command", params={"command": "true"}), owner=owner, at=MONDAY_NOON)
    submit(
        Request(queue=make_queue("rare").name, type="rare", host=far.name, params={"command": "true"}),
        owner=make_user("rare"), at=MONDAY_NOON,
    )  # fmt: skip
    return template


def _trust_us() -> None:
    """PostgreSQL: neither check references nor count, row by row, what is right by the way it is made."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")


def _copy_jobs(template: Job, counts: Counts) -> None:
    rare = Job.objects.get(queue=Queue.objects.get(name="rare"))
    once = f"(n.i % {RARE_EVERY} = 0 AND n.i < {counts.finished // 2})"
    either = {
        name: f"CASE WHEN {once} THEN {getattr(rare, name)} ELSE s.{name} END"
        for name in ("queue_id", "type_id", "owner_id", "lane_id")
    }
    at = _minutes("s.created_at", "n.i")
    _copy(Job, template, counts.ready, {"position": "s.position + n.i * 1024", "ready_at": "s.created_at"})
    ended = {"tries": "1", "exit_code": "0", "created_at": at, "started_at": at, "finished_at": at}
    states = {"state": f"CASE WHEN {once} THEN 'failed' ELSE 'succeeded' END"}
    host = {"host_id": f"CASE WHEN {once} THEN {rare.host_id} END"}
    _copy(Job, template, counts.finished, {**ended, **either, **states, **host})


def _copy_attempts(template: Job, counts: Counts) -> None:
    local, far = (Host.objects.get(name=name).pk for name in ("localhost", "far"))
    columns = (
        "job_id, number, lane_id, host_id, marker, phase, request, outcome, exit_code, reason, is_unconfirmed, "
        "claimed_at, started_at, finished_at"
    )
    values = (
        f"id, 1, lane_id, CASE WHEN state = 'failed' THEN {far} ELSE {local} END, id || '.1.x', 'running', '', "
        "'exited', 0, '', false, started_at, started_at, finished_at"
    )
    _execute(f"INSERT INTO jobs_attempt ({columns}) SELECT {values} FROM jobs_job WHERE finished_at IS NOT NULL")


def _copy_outputs() -> None:
    values = "id, 'stdout', 0, '', finished_at"
    _execute(
        f"INSERT INTO jobs_output (attempt_id, stream, size_bytes, sha256, sealed_at) SELECT {values} FROM jobs_attempt"
    )


def _copy_events(template: Job, counts: Counts) -> None:
    columns = "job_id, at, was, now, actor, reason"
    values = "id, created_at, '', 'ready', 'admin', ''"
    _execute(f"INSERT INTO jobs_event ({columns}) SELECT {values} FROM jobs_job WHERE finished_at IS NOT NULL")


def _minutes(column: str, count: str) -> str:
    if connection.vendor == "postgresql":
        return f"{column} + {count} * interval '20 seconds'"
    return f"strftime('%Y-%m-%d %H:%M:%f', {column}, ({count} * 20) || ' seconds')"


def _copy(model: type[Job], row: Job, count: int, changed: dict[str, str]) -> None:
    columns = [field.column for field in model._meta.concrete_fields if field.column and not field.primary_key]
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(changed.get(column, f's."{column}"') for column in columns)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    _execute(f"{numbers} INSERT INTO jobs_job ({names}) SELECT {values} FROM jobs_job s, n WHERE s.id = {row.pk}")


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
