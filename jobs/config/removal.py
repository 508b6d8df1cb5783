"""Removes jobs, queues, schedules, job types and hosts, or says what needs them.

A forced removal takes what needs the thing with it, and nothing that runs: that is refused, with the whole removal.
It never lets work go elsewhere: a host that queues or types name stays, as their jobs would run on another.
"""

from __future__ import annotations

import functools
import logging
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Model, ProtectedError, Q, QuerySet

from accounts.audit import Values, record, removed
from hosts import definitions
from hosts.models import Host
from jobs.execution.store import FileStore
from jobs.models import Attempt, DroppedOutput, Event, Job, JobState, JobType, Queue, Schedule
from jobs.problems import Refused

logger = logging.getLogger(__name__)

BATCH: Final = 1000
SHOWN: Final = 10
FORCE: Final = "Add ?forced=true to remove them with it."
RUNNING: Final = "Running jobs must end first."


def remove_job(job: Job) -> None:
    """Remove the job with its attempts, history and output. Raises Refused while it runs."""
    with removed(job):
        if not remove_jobs(Job.objects.filter(pk=job.pk)):
            raise Refused(
                f"Job {job.pk} is running; it cannot be removed.", code="running", hint="Cancel or kill it first."
            )


def remove_queue(queue: Queue, *, is_forced: bool = False) -> None:
    """Remove the queue; with `is_forced`, its finished and waiting jobs as well.

    Raises Refused, nothing of the queue removed, if it has jobs that stay. Jobs go in batches, so a
    forced removal that is interrupted may be repeated.
    """
    told = f'Queue "{queue.name}" has jobs'
    counts = _clear(Job.objects.filter(queue=queue), told, is_forced=is_forced, code="not_empty")
    _remove(queue, f'Queue "{queue.name}" has got new jobs meanwhile.', also={"jobs": counts} if counts else None)


def remove_schedule(schedule: Schedule, *, is_forced: bool = False) -> None:
    """Remove the schedule; with `is_forced`, the queues that use it as well, with their jobs.

    Without its schedule a queue would be open at any time. Raises Refused as `remove_queue` does, naming the queues.
    """
    queues = list(schedule.queues.order_by("name"))
    if queues:
        told = f'Schedule "{schedule.name}" is used by {_listed([queue.name for queue in queues])}'
        if not is_forced:
            hint = "Give them another first, or add ?forced=true to remove them and their jobs with it."
            raise Refused(f"{told}.", code="in_use", hint=hint)
        _clear(Job.objects.filter(queue__in=queues), f"{told}, with jobs", is_forced=True)
        for queue in queues:
            remove_queue(queue, is_forced=True)
    _remove(schedule, f'Schedule "{schedule.name}" has been taken by a queue meanwhile.')


def remove_job_type(kind: JobType, *, is_forced: bool = False) -> None:
    """Remove the job type; with `is_forced`, its finished and waiting jobs as well.

    Raises Refused as `remove_queue` does.
    """
    counts = _clear(Job.objects.filter(type=kind), f'There are jobs of type "{kind.name}"', is_forced=is_forced)
    _remove(kind, f'Job type "{kind.name}" has got new jobs meanwhile.', also={"jobs": counts} if counts else None)


def remove_host(host: Host, *, is_forced: bool = False) -> None:
    """Remove the host; with `is_forced`, the finished and waiting jobs as well that asked for it or ran there.

    Raises Refused if queues or job types name it, or as `remove_queue` does.
    """
    users = _named_by(host)
    if users:
        hint = "Give them another place first: their jobs would run on another host."
        raise Refused(f'Host "{host.name}" is named by {users}.', code="in_use", hint=hint)
    ran_there = Attempt.objects.filter(host=host).values("job")
    jobs = Job.objects.filter(Q(host=host) | Q(pk__in=ran_there))
    told = f'Host "{host.name}" has jobs that asked for it or ran there'
    counts = _clear(jobs, told, is_forced=is_forced, instead=" Disable it instead, and its past jobs stay readable.")
    also = {"jobs": counts} if counts else None
    try:
        definitions.remove(host, also=also)
    except definitions.HostInUse as needed:
        raise Refused(str(needed), code="in_use", hint="Look again.") from needed


def _named_by(host: Host) -> str:
    """The queues and job types that name `host`; "" if none does."""
    queues = list(host.queues.order_by("name").values_list("name", flat=True))
    kinds = list(host.job_types.order_by("name").values_list("name", flat=True))
    return ", ".join(text for text in (_listed(queues), _listed(kinds, noun="job type")) if text)


def _clear(
    jobs: QuerySet[Job], told: str, *, is_forced: bool, code: str = "in_use", instead: str = ""
) -> Mapping[str, int]:
    """Remove the jobs, if there are any and that is wanted. How many there were by state.

    Raises Refused, nothing removed, if any runs, or if there are any and nobody wants them removed.
    """
    counts = counts_of(jobs)
    is_running = JobState.RUNNING in counts
    if is_running or (counts and not is_forced):
        listed = ", ".join(f"{count} {state}" for state, count in counts.items())
        raise Refused(f"{told}: {listed}.", code=code, hint=(RUNNING if is_running else FORCE) + instead)
    removable = jobs.exclude(state=JobState.RUNNING)
    while ids := list(removable.values_list("pk", flat=True)[:BATCH]):
        if not remove_jobs(Job.objects.filter(pk__in=ids)):
            break
    return counts


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
            gone = remove_jobs(Job.objects.filter(pk__in=ids))
            record("remove", kind="jobs.job", name=f"{gone} jobs of {queue.name}", before={"jobs": ids})
        count += gone
        if not gone:
            break
    return count


def counts_of(jobs: QuerySet[Job]) -> dict[str, int]:
    """How many of the jobs are in each state, states without one left out."""
    return dict(jobs.order_by().values_list("state").annotate(n=Count("id")))


def _listed(names: Sequence[str], *, noun: str = "queue") -> str:
    shown = ", ".join(f'{noun} "{name}"' for name in names[:SHOWN])
    return f"{shown} and more" if len(names) > SHOWN else shown


def _remove(row: Model, message: str, *, also: Values | None = None) -> None:
    try:
        with removed(row, also=also):
            row.delete()
    except ProtectedError as error:
        raise Refused(message, code="in_use", hint="Look again.") from error


@transaction.atomic
def remove_jobs(jobs: QuerySet[Job]) -> int:
    """Remove those of the jobs that do not run, with attempts, history and output. How many. For some at a time."""
    locked = jobs.order_by("pk").select_for_update().exclude(state=JobState.RUNNING)
    free = set(locked.values_list("pk", flat=True))
    free -= set(Attempt.objects.filter(job__in=free, finished_at=None).values_list("job_id", flat=True))
    attempts = list(Attempt.objects.filter(job__in=free).values_list("pk", flat=True))
    Event.objects.filter(job_id__in=free).delete()
    Job.objects.filter(pk__in=free).delete()
    # Bytes last: rows without bytes would be a lie. Until they are gone as well, it is noted that they are to go.
    DroppedOutput.objects.bulk_create([DroppedOutput(attempt=attempt) for attempt in attempts], ignore_conflicts=True)
    transaction.on_commit(lambda: _drop(attempts), robust=True)
    return len(free)


def drop_left_behind() -> int:
    """Drop the output that is noted and has not been dropped: whoever was about to has died. Of how many attempts."""
    count, last = 0, 0
    while attempts := list(_noted(behind=last)[:BATCH]):
        count, last = count + _drop(attempts), attempts[-1]
    return count


def _noted(*, behind: int) -> QuerySet[DroppedOutput, int]:
    return DroppedOutput.objects.filter(pk__gt=behind).order_by("pk").values_list("pk", flat=True)


def _drop(attempts: Sequence[int]) -> int:
    """Of how many attempts the output is gone. What the store cannot remove now stays noted."""
    store = FileStore(Path(settings.BATCHYARD_OUTPUT_DIR))
    gone = [attempt for attempt in attempts if _is_dropped(store, attempt)]
    DroppedOutput.objects.filter(pk__in=gone).delete()
    return len(gone)


def _is_dropped(store: FileStore, attempt: int) -> bool:
    try:
        store.drop(attempt)
    except OSError as problem:
        logger.warning("the output of attempt %s cannot be removed: %s", attempt, problem)
        return False
    return True
