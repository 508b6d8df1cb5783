"""Jobs that have ended, as tests of what is kept need them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from jobs.execution.store import FileStore, Sizes
from jobs.models import Attempt, Job, JobState, Outcome, Output
from jobs.queueing.states import Move, move
from tests.builders import MONDAY_NOON, make_host, make_job

HOUR = timedelta(hours=1)


def started(job: Job, *, at: datetime, host: str = "localhost", claimed_at: datetime | None = None) -> Attempt:
    """The job runs since `at`."""
    told = Move(job=job.pk, was=JobState.READY, to=JobState.RUNNING, attempt=job.tries + 1, started_at=at)
    assert move(job, told, at=claimed_at or at)
    attempt = Attempt.objects.create(
        job=job, number=job.tries, lane=job.lane, host=make_host(host), marker=f"{job.pk}.{job.tries}",
        claimed_at=claimed_at or at,
    )  # fmt: skip
    Attempt.objects.filter(pk=attempt.pk).update(started_at=at)
    return attempt


def ended(
    job: Job | None = None,
    *,
    at: datetime = MONDAY_NOON,
    ran: timedelta = HOUR,
    outcome: str = Outcome.EXITED,
    exit_code: int | None = 0,
    host: str = "localhost",
    **request: Any,
) -> Job:
    """A job whose attempt ended at `at` and that wrote a line."""
    job = job or make_job(at=at - ran, **request)
    attempt = started(job, at=at - ran, host=host)
    sizes = FileStore(Path(settings.BATCHYARD_OUTPUT_DIR)).append(attempt.pk, [("stdout", b"done\n")], sizes=Sizes())
    Output.objects.create(attempt=attempt, stream="stdout", size_bytes=sizes.stdout)
    Attempt.objects.filter(pk=attempt.pk).update(finished_at=at, outcome=outcome, exit_code=exit_code)
    final = JobState.SUCCEEDED if exit_code == 0 else JobState.FAILED
    assert move(job, Move(job=job.pk, was=JobState.RUNNING, to=final, finished_at=at, exit_code=exit_code), at=at)
    return job


def kept_files() -> list[str]:
    """What is in the output store."""
    return sorted(path.name for path in Path(settings.BATCHYARD_OUTPUT_DIR).rglob("*") if path.is_file())
