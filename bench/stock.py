"""Fills a site's tables with jobs by SQL, a million at a time: copies of one row that the site itself made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import connection, models, transaction

from hosts.models import Host, Lease
from jobs.models import Attempt, Job, Outcome

NUMBERS: Final = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"


@transaction.atomic
def add_finished(template: Job, *, count: int) -> None:
    """Jobs that have succeeded, each with its one attempt."""
    if not count:
        return
    ended = {"started_at": "s.created_at", "finished_at": "s.created_at"}
    first = _last_id() + 1
    _copy(template, count, {"state": "'succeeded'", "is_held": "0", "exit_code": "0", "tries": "1", **ended})
    host = Host.objects.get(name="localhost")
    attempt = Attempt.objects.create(
        job=template, number=1, lane=template.lane, host=host, marker="bench", outcome=Outcome.EXITED, exit_code=0,
        claimed_at=template.created_at, started_at=template.created_at, finished_at=template.created_at,
    )  # fmt: skip
    changed = {"job_id": f"{first - 1} + n.i", "marker": "'bench.' || n.i"}
    _copy(attempt, count, changed)
    attempt.delete()


@transaction.atomic
def add_ready(template: Job, *, count: int) -> None:
    """Jobs that only wait for a seat, in the order of their numbers."""
    if count:
        _copy(template, count, {"state": "'ready'", "is_held": "0", "position": "s.position + n.i * 1024"})


def take_all_seats(host: Host, *, at: datetime) -> None:
    """Leave no seat of `host` free, as if runs sat on them."""
    Lease.objects.bulk_create([Lease(host=host, seat=seat, holder=seat, taken_at=at) for seat in range(host.seats)])


def _copy(row: models.Model, count: int, changed: Mapping[str, str]) -> None:
    """Insert `count` copies of `row`, with the SQL expressions `changed` for some columns."""
    table = row._meta.db_table
    columns = [field.column for field in row._meta.concrete_fields if field.column and not field.primary_key]
    values = ", ".join(changed.get(column, f's."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    # Names and expressions are of this file and of the models; nothing comes from outside.
    sql = f"{NUMBERS} INSERT INTO {table} ({names}) SELECT {values} FROM {table} s, n WHERE s.id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [count, row.pk])


def _last_id() -> int:
    return Job.objects.order_by("-id").values_list("id", flat=True)[0]
