"""The lane of a job: made on first use."""

from __future__ import annotations

from typing import Final

from hosts.models import Host
from jobs.models import JobType, Lane, Queue
from scheduler_site.records import query

# In SQL, as it is asked for each job that comes.
SOUGHT: Final = "SELECT id FROM jobs_lane WHERE queue_id = %s AND type_id = %s AND host_id "


def lane_for(queue: Queue, kind: JobType, host: Host | None) -> int:
    """The key of the row for this combination. Two processes that make it at once get the same one."""
    if host is None:
        found = query(SOUGHT + "IS NULL", [queue.pk, kind.pk])
    else:
        found = query(SOUGHT + "= %s", [queue.pk, kind.pk, host.pk])
    if found:
        return int(found[0][0])
    return Lane.objects.get_or_create(queue=queue, type=kind, host=host)[0].pk
