"""Disabled queues that enable themselves once enough of their own jobs wait."""

from __future__ import annotations

from datetime import datetime

from jobs.models import Job, JobState, Queue


def autostart_once(*, at: datetime) -> list[str]:
    """Enable each disabled queue whose waiting jobs have reached its autostart count. Their names."""
    enabled = []
    for queue in Queue.objects.filter(enabled=False, autostart_count__isnull=False):
        waiting = Job.objects.filter(queue=queue, state__in=[JobState.READY, JobState.BLOCKED])
        if waiting[: queue.autostart_count].count() < (queue.autostart_count or 0):
            continue
        # Compare and set: somebody who disables the queue at this moment is not overruled twice.
        if Queue.objects.filter(pk=queue.pk, enabled=False, autostart_count=queue.autostart_count).update(enabled=True):
            enabled.append(queue.name)
    return enabled
