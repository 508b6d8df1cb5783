"""Notes who is to be told of what, in the transaction in which it happens. Sends nothing: see jobs.notices."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from django.db.models import Q

from hosts.models import Host
from jobs.models import JobState, Notice, NoticeKind, Queue, Subscription
from jobs.queueing.bell import ring_post
from scheduler_site.records import as_parameter, as_rows, change, query

# What ends of jobs are told of, as the state says it.
TOLD: Final[Mapping[JobState, NoticeKind]] = {
    JobState.SUCCEEDED: NoticeKind.SUCCEEDED,
    JobState.FAILED: NoticeKind.FAILED,
}
COLUMNS: Final = {"id": "bigint", "kind": "text", "reason": "text", "at": "timestamptz"}
# Which of a subscription's limits a job is within.
COVERS: Final = """
    s.enabled AND (s.queue_id IS NULL OR s.queue_id = j.queue_id) AND (s.type_id IS NULL OR s.type_id = j.type_id)
    AND (NOT s.only_own OR s.owner_id = j.owner_id)
"""
INTO: Final = """
    INSERT INTO jobs_notice
        (subscription_id, kind, thing, name, reason, at, delivery, tries, next_at, claim, error)
"""


def note_ends(ends: Iterable[tuple[int, JobState, str]], *, at: datetime) -> None:
    """Note for all who want it how jobs have ended: number, state and reason of each."""
    rows = [(job, TOLD[state], reason[:500], at) for job, state, reason in ends if state in TOLD]
    if not rows or not _is_anything_wanted():
        return
    sql = f"""{INTO}
        SELECT s.id, d.kind, j.id, q.name, d.reason, d.at, 'waiting', 0, d.at, '', ''
        FROM {as_rows(COLUMNS)} JOIN jobs_job j ON j.id = d.id JOIN jobs_queue q ON q.id = j.queue_id
            JOIN jobs_subscription s ON {COVERS}
        WHERE (d.kind = 'failed' AND s.on_failed) OR (d.kind = 'succeeded' AND s.on_succeeded)
    """  # noqa: S608  (all of it stands in this file)
    if change(sql, [as_parameter(rows)]):
        ring_post()


def _is_anything_wanted() -> bool:
    # First, as it is asked at the end of every job and the answer is often no.
    return bool(query("SELECT 1 FROM jobs_subscription WHERE on_failed OR on_succeeded LIMIT 1"))


def note_host(host: Host, kind: NoticeKind, *, reason: str = "", at: datetime) -> None:
    """Note that a host has gone or come back."""
    _note(host, kind, Q(host=None) | Q(host=host), reason=reason, at=at)


def note_queue(queue: Queue, *, at: datetime) -> None:
    """Note that a queue has enabled itself."""
    _note(queue, NoticeKind.QUEUE_STARTED, Q(queue=None) | Q(queue=queue), reason="", at=at)


def _note(thing: Host | Queue, kind: NoticeKind, limits: Q, *, reason: str, at: datetime) -> None:
    wanting = Subscription.objects.filter(limits, Q((kind.column, True)), enabled=True)
    made: Collection[Notice] = Notice.objects.bulk_create(
        Notice(subscription=one, kind=kind, thing=thing.pk, name=thing.name, reason=reason[:500], at=at, next_at=at)
        for one in wanting
    )
    if made:
        ring_post()
