"""Rows of every model that the administration shows."""

from __future__ import annotations

from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group

from accounts.audit import record
from accounts.models import Token
from jobs.dispatch.tick import pass_once
from jobs.execution import ownership
from jobs.models import Attempt, DatedException, Engine, Notice, Output, Queue, Script, Site
from tests.builders import MONDAY_NOON, grant, make_host, make_job, make_pool, make_queue, make_schedule, make_user
from tests.notices.parts import subscribe


def fill(*, number: int = 0) -> None:
    """At least one more row of every model, a job that runs among them."""
    host = make_host(f"host{number}", seats=1)
    make_queue(f"queue{number}", host=host)
    schedule = make_schedule(f"schedule{number}", zone="Europe/Berlin")
    DatedException.objects.create(
        schedule=schedule, first="2026-12-24", last="2026-12-26", periods=[{"begin": "10:00:00", "end": "12:00:00"}]
    )
    Queue.objects.filter(name=f"queue{number}").update(schedule=None)
    make_pool(f"pool{number}", host)
    for _ in range(2):
        make_job(queue=f"queue{number}", notes=f"number {number}")
    pass_once(at=MONDAY_NOON)
    attempt = Attempt.objects.filter(job__queue__name=f"queue{number}").get()
    attempt.script = Script.objects.create(digest=f"{number:064}", text="true\n", interpreter="sh")
    attempt.save(update_fields=["script"])
    Output.objects.create(attempt=attempt, stream="stdout", size_bytes=5)
    ownership.acquire([host.pk], owner="engine")
    Engine.objects.create(name=f"engine{number}", started_at=MONDAY_NOON, seen_at=MONDAY_NOON)
    Site.get()
    Token.objects.create(make_user())  # type: ignore[no-untyped-call]
    grant(make_user(), "ViewQueues", queue=make_queue(f"queue{number}"))
    Notice.objects.create(
        subscription=subscribe("failed", owner=make_user()), kind="failed", thing=attempt.job_id, name=f"queue{number}",
        at=MONDAY_NOON, next_at=MONDAY_NOON,
    )  # fmt: skip
    record("change", name=f"queue{number}")
    Group.objects.create(name=f"group{number}")
    AccessAttempt.objects.create(username=f"eve{number}", ip_address="192.0.2.1", failures_since_start=5)
    AccessLog.objects.create(username=f"alice{number}", ip_address="192.0.2.1")
    LogEntry.objects.log_actions(make_user().pk, Queue.objects.filter(name=f"queue{number}"), CHANGE)
