"""Rows as batchd's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch, QuerySet

from accounts.models import Grant
from jobs.commands import Syntax
from jobs.compat.batchd.words import status_of
from jobs.models import Attempt, Job, JobType, OnFail, Outcome, Queue, Schedule
from jobs.parameters import ParameterType
from jobs.queueing.declarations import parameters_of
from jobs.queueing.line import STEP
from jobs.queueing.timetables import timetable_of
from jobs.timing.calendar import WEEKDAYS
from jobs.timing.windows import WHOLE_DAY


def utc(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, always with a fraction, which clients of batchd rely on."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z") if at else None


def job_rows() -> QuerySet[Job]:
    """Jobs with what `job_json` tells about them: three queries, however many jobs."""
    attempts = Prefetch("attempts", Attempt.objects.order_by("number"))
    return Job.objects.select_related("queue", "type", "owner", "host").prefetch_related(attempts, "type__parameters")


def job_json(job: Job) -> dict[str, Any]:
    """A job of `job_rows`. Its four last keys but one are those of its last result."""
    ended = [attempt for attempt in job.attempts.all() if attempt.finished_at]
    last = result_json(ended[-1]) if ended else dict.fromkeys(("time", "exit_code", "stdout", "stderr"))
    defaults = {one.name: one.default or "" for one in parameters_of(job.type)}
    return {
        "id": job.pk,
        "queue": job.queue.name,
        "type": job.type.name,
        "seq": job.position // STEP,
        "user_name": job.owner.get_username(),
        "create_time": utc(job.created_at),
        "start_time": utc(job.not_before),
        "status": status_of(job),
        "try_count": job.failures,
        "host_name": job.host.name if job.host else None,
        "notes": job.notes or None,
        "result_time": last["time"],
        "exit_code": last["exit_code"],
        "stdout": last["stdout"],
        "stderr": last["stderr"],
        "params": {**defaults, **job.params},
    }


def result_json(attempt: Attempt) -> dict[str, Any]:
    """The last row of an ended attempt: no output, but why it ended unless its command did."""
    is_told = attempt.outcome != Outcome.EXITED
    return {
        "job_id": attempt.job_id,
        "time": utc(attempt.finished_at),
        "exit_code": attempt.exit_code,
        "stdout": "",
        "stderr": attempt.reason if is_told else "",
    }


def queue_json(queue: Queue) -> dict[str, Any]:
    return {
        "name": queue.name,
        "title": queue.title or queue.name,
        "enabled": queue.enabled,
        "schedule_name": queue.schedule.name if queue.schedule else "anytime",
        "host_name": queue.host.name if queue.host else None,
        "autostart_job_count": queue.autostart_count,
    }


def type_json(kind: JobType) -> dict[str, Any]:
    retry = {"retry": {"when": kind.retry_when, "count": kind.retry_count}}
    return {
        "name": kind.name,
        "title": kind.title or None,
        "syntax": "Python" if kind.syntax == Syntax.BRACES else "Shell",
        "template": kind.template.splitlines(),
        "on_fail": "continue" if kind.on_fail == OnFail.CONTINUE else retry,
        "host_name": kind.host.name if kind.host else None,
        "max_jobs": kind.max_running,
        "params": [
            {"name": one.name, "type": _type_of(one.type), "title": one.title, "default": one.default or ""}
            for one in parameters_of(kind)
        ],
    }


def _type_of(kind: ParameterType) -> str:
    """One of the four that batchd knows."""
    if kind in (ParameterType.INPUT_FILE, ParameterType.OUTPUT_FILE):
        return kind.value
    return "Integer" if kind == ParameterType.INT else "String"


def schedule_json(schedule: Schedule) -> dict[str, Any]:
    """Its days and its times. Which times belong to which days, its exceptions and its holidays have no words here."""
    windows = timetable_of(schedule).windows
    is_any_day = any(not window.weekdays for window in windows) or not windows
    days = [] if is_any_day else sorted({day for window in windows for day in window.weekdays})
    times = dict.fromkeys((window.begin, window.end) for window in windows)
    is_any_time = (WHOLE_DAY.begin, WHOLE_DAY.end) in times or not windows
    return {
        "name": schedule.name,
        "weekdays": [WEEKDAYS[day] for day in days] or None,
        "time": None if is_any_time else [{"begin": f"{begin}", "end": f"{end}"} for begin, end in times],
    }


def permission_json(grant: Grant) -> Sequence[Any]:
    """A grant to a user: its number, and what it says."""
    limits = grant.limits()
    return [
        grant.pk,
        {
            "user_name": grant.holder,
            "permission": grant.permission,
            "queue_name": limits.get("queue"),
            "type_name": limits.get("type"),
            "host_name": limits.get("host"),
        },
    ]
