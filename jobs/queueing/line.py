"""A queue's line: the order in which its waiting jobs start, and where in it a job is put.

The order is by priority (larger first), position, number. A job that is moved takes the priority of the one whose
place it takes, so a move means what the line shows. Only the moved job's row changes; where there is no number left
between two positions, some of those ahead are spread out first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from jobs.models import Job, JobState, Queue
from jobs.problems import Refused
from scheduler_site.records import as_parameter, as_rows

WAITING: Final = frozenset({JobState.BLOCKED, JobState.READY})
# Between jobs that are submitted together: each halving between two of them costs a bit.
STEP: Final = 1024
SPREAD: Final = 32


class Contended(Exception):
    """Somebody else is changing jobs of the line at this moment; nothing was moved."""


class Place(NamedTuple):
    """Where a job stands in its queue's line."""

    priority: int
    position: int


def position_at(at: datetime) -> int:
    """The position behind everything that was submitted before `at`."""
    return int(at.timestamp() * 1_000_000) * STEP


def take_turn(queues: Collection[int]) -> None:
    """Wait until nobody else moves jobs of these queues, and keep others waiting until the transaction ends.

    Submitting and starting jobs do not wait. On SQLite, writers take turns anyway.
    """
    rows = Queue.objects.select_for_update(no_key=True).filter(pk__in=queues).order_by("pk")
    list(rows.values_list("pk", flat=True))


def line_of(queue: int) -> QuerySet[Job]:
    """The jobs that wait in a queue, in the order in which they start."""
    # Not by state: an index on states would be read to its end for the sake of a few rows.
    waiting = Job.objects.filter(queue=queue, finished_at=None).exclude(state=JobState.RUNNING)
    return waiting.order_by("-priority", "position", "id")


def first(queue: int, job: Job, *, at: datetime) -> Place:
    """The first place of the line."""
    head = line_of(queue).exclude(pk=job.pk).first()
    if head is None or head.priority < job.priority:
        return Place(job.priority, job.position)
    return before(head, job)


def last(queue: int, job: Job, *, at: datetime) -> Place:
    """The last place of the line: behind all, also those of a lower priority."""
    tail = line_of(queue).exclude(pk=job.pk).order_by("priority", "-position", "-id").first()
    if tail is None:
        return Place(job.priority, position_at(at))
    return Place(min(job.priority, tail.priority), max(position_at(at), tail.position + STEP))


def up(queue: int, job: Job, *, at: datetime) -> Place:
    """The place of the job that is ahead of it. Raises Refused if it is the first."""
    above = _ahead(job).first() or _of_higher_priority(job)
    if above is None:
        raise Refused(f"Job {job.pk} is the first of its queue.", code="first_already")
    return before(above, job)


def down(queue: int, job: Job, *, at: datetime) -> Place:
    """The place just behind the job that is behind it. Raises Refused if it is the last."""
    below = _behind(job)
    if below is None:
        raise Refused(f"Job {job.pk} is the last of its queue.", code="last_already")
    further = _behind(below)
    if further is None or further.priority != below.priority:
        return Place(below.priority, max(position_at(at), below.position + STEP))
    return before(further, job)


PLACES: Final[Mapping[str, Callable[..., Place]]] = {"first": first, "last": last, "up": up, "down": down}


def before(target: Job, job: Job) -> Place:
    """The place just ahead of `target`. Raises Contended."""
    ahead = _ahead(target).exclude(pk=job.pk).first()
    if ahead is None:
        return Place(target.priority, target.position - STEP)
    if target.position - ahead.position < 2:
        return Place(target.priority, _make_room(target, job))
    return Place(target.priority, (ahead.position + target.position) // 2)


def _ahead(job: Job) -> QuerySet[Job]:
    """Those of its priority that are ahead of it, the nearest first."""
    same = line_of(job.queue_id).filter(priority=job.priority, position__lte=job.position)
    return same.exclude(position=job.position, id__gte=job.pk).order_by("-position", "-id")


def _of_higher_priority(job: Job) -> Job | None:
    higher = line_of(job.queue_id).filter(priority__gt=job.priority)
    return higher.order_by("priority", "-position", "-id").first()


def _behind(job: Job) -> Job | None:
    line = line_of(job.queue_id)
    same = line.filter(priority=job.priority, position__gte=job.position)
    near = same.exclude(position=job.position, id__lte=job.pk).first()
    return near or line.filter(priority__lt=job.priority).first()


def _make_room(target: Job, job: Job) -> int:
    """A free position just ahead of `target`. As many as needed of those ahead of it are spread towards the front."""
    ahead = _ahead(target).exclude(pk=job.pk)
    count, gap = SPREAD, 0
    while not gap:
        found = list(ahead[: count + 1])
        rows = found[:count]
        low = found[count].position if len(found) > count else target.position - STEP * (len(rows) + 2)
        gap = (target.position - low) // (len(rows) + 2)
        count *= 2
    _put(rows, [target.position - gap * place for place in range(2, len(rows) + 2)])
    return target.position - gap


def _put(jobs: Sequence[Job], positions: Sequence[int]) -> None:
    """Change the positions of several jobs. Raises Contended rather than wait for a row while it holds others."""
    ids = [job.pk for job in jobs]
    free = set(Job.objects.select_for_update(skip_locked=True).filter(pk__in=ids).values_list("pk", flat=True))
    if free != set(ids):
        raise Contended
    columns = {"id": "bigint", "position": "bigint"}
    sql = f"UPDATE jobs_job SET position = d.position FROM {as_rows(columns)} WHERE jobs_job.id = d.id"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [as_parameter(zip(ids, positions, strict=True))])
