"""Small set-wise notes on open attempts: started, phase, request answered."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from jobs.execution import ownership
from jobs.execution.runs import Run
from jobs.models import Attempt, AttemptRequest, Phase
from scheduler_site.records import as_parameter, as_rows

STARTED = {"id": "bigint", "job": "bigint", "started_at": "timestamptz"}


@transaction.atomic
def started(runs: Sequence[Run], *, grip: ownership.Grip, journal_offset: int) -> None:
    """Write down that these runs have begun, when, and how far the journal is read."""
    ownership.check(grip, journal_offset=journal_offset)
    rows = as_parameter([(run.attempt, run.job, run.started_at) for run in runs])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE jobs_attempt SET phase = 'running', started_at = d.started_at FROM {as_rows(STARTED)} "  # noqa: S608
            "WHERE jobs_attempt.id = d.id AND jobs_attempt.finished_at IS NULL",
            [rows],
        )
        cursor.execute(
            f"UPDATE jobs_job SET started_at = d.started_at FROM {as_rows(STARTED)} "  # noqa: S608
            "WHERE jobs_job.id = d.job AND jobs_job.state = 'running'",
            [rows],
        )


@transaction.atomic
def phase(runs: Sequence[Run], phase: Phase, *, grip: ownership.Grip) -> None:
    ownership.check(grip)
    Attempt.objects.filter(pk__in=[run.attempt for run in runs], finished_at=None).update(phase=phase)
    for run in runs:
        run.phase = phase


@transaction.atomic
def answered(run: Run, *, phase: Phase, grip: ownership.Grip, request: AttemptRequest) -> None:
    """A pause or resume has been carried out; a request that came meanwhile stays."""
    ownership.check(grip)
    mine = Attempt.objects.filter(pk=run.attempt, finished_at=None, request=request)
    mine.update(request=AttemptRequest.NONE, phase=phase)
    run.phase, run.request, run.carried = phase, AttemptRequest.NONE, ""
