"""Disabled queues that enable themselves once enough of their own jobs wait."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.audit import record
from jobs.models import Job, JobState, Queue
from jobs.queueing.outbox import note_queue
from scheduler_site.records import query


def autostart_once(*, at: datetime) -> list[str]:
    """Enable each disabled queue whose waiting jobs have reached its autostart count. Their names."""
    enabled = []
    for pk, name, count in _candidates():
        waiting = Job.objects.filter(queue=pk, state__in=[JobState.READY, JobState.BLOCKED])
        if waiting[:count].count() < count:
            continue
        # Compare and set: somebody who disables the queue at this moment is not overruled twice.
        with transaction.atomic():
            is_ours = Queue.objects.filter(pk=pk, enabled=False, autostart_count=count).update(enabled=True)
            if is_ours:
                enabled.append(name)
                was, now = {"enabled": False}, {"enabled": True}
                record("change", kind="jobs.queue", pk=pk, name=name, before=was, after=now)
                note_queue(Queue(pk=pk, name=name), at=at)
    return enabled


def _candidates() -> list[tuple[int, str, int]]:
    # In SQL, as every pass of the dispatcher asks and the answer is nearly always none.
    return query("SELECT id, name, autostart_count FROM jobs_queue WHERE NOT enabled AND autostart_count IS NOT NULL")
