"""Removes finished jobs that are older than their queue keeps them. What they came to stays in the statistics.

By whole days: what finished on one day goes together, once so many further days are over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from hosts import leases
from jobs.config.removal import BATCH, drop_left_behind, remove_jobs
from jobs.models import Attempt, Job, Outcome, Queue

# Seats that were given back are told for so long.
LEASES_KEPT: Final = timedelta(days=7)
PASS_SECONDS: Final = 10.0


def prune_for_a_while(*, at: datetime) -> dict[str, int]:
    """`prune_once` for some seconds: what is left is the next call's."""
    end = time.monotonic() + PASS_SECONDS
    return prune_once(at=at, is_over=lambda: time.monotonic() > end)


def prune_once(*, at: datetime, is_over: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Remove what is too old at `at`. How many jobs, by queue.

    In batches, each of which is complete by itself; ends early once `is_over` says so. Safe at any time and any number
    of times at once. Also drops output that an interrupted removal has left, and forgets leases of long ago.
    """
    drop_left_behind()
    while leases.forget(before=at - LEASES_KEPT, most=BATCH) and not is_over():
        pass
    return {queue.name: count for queue, before in _limits(at) if (count := _prune(queue, before, is_over))}


def due(*, at: datetime) -> dict[str, int]:
    """How many jobs `prune_once` would remove, by queue."""
    counts = {queue.name: _old(queue, before).exclude(pk__in=_kept()).count() for queue, before in _limits(at)}
    return {name: count for name, count in counts.items() if count}


def _limits(at: datetime) -> Iterator[tuple[Queue, datetime]]:
    """Each queue that does not keep its jobs for ever, and before which moment they have to have finished."""
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    for queue in Queue.objects.order_by("name"):
        days = settings.BATCHYARD_KEEP_DAYS if queue.keep_days is None else queue.keep_days
        if days:
            yield queue, today - timedelta(days=days)


def _old(queue: Queue, before: datetime) -> QuerySet[Job]:
    """By an index, the oldest first. What has not finished has no such time."""
    return Job.objects.filter(queue=queue, finished_at__lt=before).order_by("finished_at", "pk")


def _kept() -> set[int]:
    """Jobs with a run that was given up and may still go on: its row says what to end once its host is back."""
    return set(Attempt.objects.filter(is_unconfirmed=True, outcome=Outcome.LOST).values_list("job_id", flat=True))


def _prune(queue: Queue, before: datetime, is_over: Callable[[], bool]) -> int:
    count, old, kept = 0, _old(queue, before), _kept()
    while not is_over():
        batch = list(old.values_list("pk", "finished_at")[:BATCH])
        count += _remove(queue, before, [pk for pk, _at in batch if pk not in kept])
        if len(batch) < BATCH:
            break
        # Behind the last: what was passed over is not asked for again.
        pk, at = batch[-1]
        old = _old(queue, before).filter(finished_at__gte=at).exclude(finished_at=at, pk__lte=pk)
    return count


@transaction.atomic
def _remove(queue: Queue, before: datetime, ids: list[int]) -> int:
    # Asked once more with the lock: somebody may have retried one meanwhile.
    count = remove_jobs(Job.objects.filter(pk__in=ids, finished_at__lt=before)) if ids else 0
    if count:
        told = {"jobs": count, "finished_before": before}
        record("prune", kind="jobs.queue", pk=queue.pk, name=queue.name, after=told)
    return count
