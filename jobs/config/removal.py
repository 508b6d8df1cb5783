"""Removes jobs, queues, schedules and job types, or says what needs them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, ProtectedError, Q, QuerySet

from accounts.audit import Values, record, removed
from jobs.execution.store import FileStore
from jobs.models import Attempt, Event, Job, JobState, JobType, Queue, Schedule
from jobs.problems import Refused

BATCH: Final = 1000
SHOWN: Final = 10


def remove_job(job: Job) -> None:
    """Remove the job with its attempts, history and output. Raises Refused while it runs."""
    with removed(job):
        if not _remove_jobs([job.pk]):
            raise Refused(
                f"Job {job.pk} is running; it cannot be removed.", code="running", hint="Cancel or kill it first."
            )


def remove_queue(queue: Queue, *, is_forced: bool = False) -> None:
    """Remove the queue; with `is_forced`, its finished and waiting jobs as well.

    Raises Refused, nothing of the queue removed, if it has jobs that stay. Jobs go in batches, so a
    forced removal that is interrupted may be repeated.
    """
    counts = counts_of(Job.objects.filter(queue=queue))
    running = counts.get(JobState.RUNNING, 0)
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    if running or (counts and not is_forced):
        hint = "Running jobs must end first." if running else "Add ?forced=true to remove them with it."
        raise Refused(f'Queue "{queue.name}" has jobs: {told}.', code="not_empty", hint=hint)
    removable = Job.objects.filter(queue=queue).exclude(state=JobState.RUNNING)
    while (ids := list(removable.values_list("pk", flat=True)[:BATCH])) and _remove_jobs(ids):
        pass
    _remove(queue, f'Queue "{queue.name}" has got new jobs meanwhile.', also={"jobs": counts} if counts else None)


def remove_jobs_of(queue: Queue, *parts: Q) -> int:
    """Remove those jobs of the queue that are in any of `parts`, in batches. How many.

    Raises Refused, nothing removed, if any of them runs.
    """
    wanted = Job.objects.filter(functools.reduce(operator.or_, parts), queue=queue)
    if wanted.filter(state=JobState.RUNNING).exists():
        raise Refused(f'Some of these jobs of queue "{queue.name}" run.', code="running", hint="End them first.")
    count = 0
    while ids := list(wanted.exclude(state=JobState.RUNNING).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            gone = _remove_jobs(ids)
            record("remove", kind="jobs.job", name=f"{gone} jobs of {queue.name}", before={"jobs": ids})
        count += gone
        if not gone:
            break
    return count


def counts_of(jobs: QuerySet[Job]) -> dict[str, int]:
    """How many of the jobs are in each state, states without one left out."""
    return dict(jobs.order_by().values_list("state").annotate(n=Count("id")))


def remove_schedule(schedule: Schedule, *, is_forced: bool = False) -> None:
    """Remove the schedule; with `is_forced`, its queues with their finished and waiting jobs as well.

    Raises Refused, nothing removed, naming the queues, if some use it or, forced, if jobs of theirs run.
    """
    if is_forced:
        queues = list(schedule.queues.order_by("name"))
        if Job.objects.filter(queue__in=queues, state=JobState.RUNNING).exists():
            message = f'Jobs run in queues of schedule "{schedule.name}".'
            raise Refused(message, code="in_use", hint="They must end first.")
        for queue in queues:
            remove_queue(queue, is_forced=True)
    names = list(schedule.queues.values_list("name", flat=True)[: SHOWN + 1])
    if names:
        listed = _listed(names)
        raise Refused(
            f'Schedule "{schedule.name}" is used by {listed}.', code="in_use", hint="Give them another first."
        )
    _remove(schedule, f'Schedule "{schedule.name}" has been taken by a queue meanwhile.')


def remove_job_type(kind: JobType) -> None:
    """Remove the job type. Raises Refused if there are jobs of it."""
    count = kind.jobs.count()
    if count:
        hint = "Remove them first."
        raise Refused(f'There are {count} jobs of type "{kind.name}".', code="in_use", hint=hint)
    _remove(kind, f'Job type "{kind.name}" has got new jobs meanwhile.')


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f'queue "{name}"' for name in names[:SHOWN])
    return f"{shown} and more" if len(names) > SHOWN else shown


def _remove(row: Queue | Schedule | JobType, message: str, *, also: Values | None = None) -> None:
    try:
        with removed(row, also=also):
            row.delete()
    except ProtectedError as error:
        raise Refused(message, code="in_use", hint="Look again.") from error


@transaction.atomic
def _remove_jobs(ids: Sequence[int]) -> int:
    """Remove those of the jobs that do not run. How many."""
    jobs = Job.objects.select_for_update().filter(pk__in=ids).exclude(state=JobState.RUNNING)
    free = set(jobs.values_list("pk", flat=True))
    free -= set(Attempt.objects.filter(job__in=free, finished_at=None).values_list("job_id", flat=True))
    attempts = list(Attempt.objects.filter(job__in=free).values_list("pk", flat=True))
    Event.objects.filter(job_id__in=free).delete()
    Job.objects.filter(pk__in=free).delete()
    # Bytes last: rows without bytes would be a lie, bytes without rows only take room.
    transaction.on_commit(lambda: _drop(attempts))
    return len(free)


def _drop(attempts: Sequence[int]) -> None:
    store = FileStore(Path(settings.BATCHYARD_OUTPUT_DIR))
    for attempt in attempts:
        store.drop(attempt)
