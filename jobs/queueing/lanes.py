"""The lane of a job: made on first use, then found in memory."""

from __future__ import annotations

from hosts.models import Host
from jobs.models import JobType, Lane, Queue


def lane_for(queue: Queue, kind: JobType, host: Host | None) -> Lane:
    """The row for this combination. Two processes that make it at once get the same one."""
    lane, _made = Lane.objects.get_or_create(queue=queue, type=kind, host=host)
    return lane
