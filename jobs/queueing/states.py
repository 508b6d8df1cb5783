"""The states of a job and every way between them. Nothing else writes `Job.state`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from jobs.models import Event, Job, JobState
from jobs.queueing.gates import Blocker, wake_at
from jobs.queueing.outbox import note_ends
from scheduler_site.records import as_parameter, as_rows, insert_many

logger = logging.getLogger(__name__)

NEXT: dict[JobState, frozenset[JobState]] = {
    JobState.BLOCKED: frozenset({JobState.READY, JobState.CANCELLED, JobState.FAILED, JobState.SKIPPED}),
    JobState.READY: frozenset(
        {JobState.BLOCKED, JobState.RUNNING, JobState.CANCELLED, JobState.FAILED, JobState.SKIPPED}
    ),
    JobState.RUNNING: frozenset(
        {JobState.READY, JobState.BLOCKED, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
    ),
    # Only by a recorded command.
    JobState.SUCCEEDED: frozenset({JobState.READY, JobState.BLOCKED}),
    JobState.FAILED: frozenset({JobState.READY, JobState.BLOCKED}),
    JobState.CANCELLED: frozenset({JobState.READY, JobState.BLOCKED}),
    JobState.SKIPPED: frozenset({JobState.READY, JobState.BLOCKED}),
}


class IllegalMove(Exception):
    """A job was asked to go where its state does not lead."""

    def __init__(self, job_id: int, was: JobState, to: JobState) -> None:
        possible = ", ".join(sorted(NEXT[was]))
        super().__init__(f"Job {job_id} is {was}; it cannot become {to} (only: {possible}).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One job's way from `was` to `to`, and what becomes true of its row with it.

    `attempt` is the number of the attempt that brought it about; `failed` adds to the job's failures
    (or, -1, forgets them). `finished_at` is when the work really ended, if that was before now.
    """

    job: int
    was: JobState
    to: JobState
    reason: str = ""
    actor: str = ""
    attempt: int | None = None
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failed: int = 0
    retry_at: datetime | None = None
    wake_at: datetime | None = None
    position: int | None = None


def set_first_state(job: Job, blockers: Sequence[Blocker]) -> None:
    """Let an unsaved job be born blocked or ready, as the gates of its own say."""
    job.state = JobState.BLOCKED if blockers else JobState.READY
    job.ready_at = None if blockers else job.created_at
    job.wake_at = wake_at(blockers)
    job.reason = blockers[0].message if blockers else ""


def record_births(jobs: Sequence[Job], *, actor: str, at: datetime) -> None:
    """Begin the history of jobs that have just been saved. In the caller's transaction."""
    told = [(job.pk, None, at, "", job.state, actor, job.reason[:500]) for job in jobs]
    for first in range(0, len(told), EVENT_BATCH):
        insert_many(Event._meta.db_table, EVENT_COLUMNS, told[first : first + EVENT_BATCH], returning="id")


EVENT_BATCH = 2_000
EVENT_COLUMNS = {
    "job_id": "bigint",
    "attempt": "bigint",
    "at": "timestamptz",
    "was": "text",
    "now": "text",
    "actor": "text",
    "reason": "text",
}
COLUMNS = {
    "id": "bigint",
    "was": "text",
    "state": "text",
    "reason": "text",
    "exit_code": "bigint",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
    "failed": "bigint",
    "retry_at": "timestamptz",
    "wake_at": "timestamptz",
    "position": "bigint",
    "ready_at": "timestamptz",
}


def move(job: Job, move: Move, *, at: datetime) -> bool:
    """Move one job; `job` is refreshed. True if this call did it, False if another process was first."""
    moved = move_many([move], at=at)
    job.refresh_from_db()
    return bool(moved)


def move_many(moves: Sequence[Move], *, at: datetime) -> set[int]:
    """Move jobs and write their history, in one transaction. The ids that this call moved.

    A job that is missing from the answer was moved by another process first. Compare and set:
    the WHERE clause is the lock. Raises IllegalMove, before anything is written, if NEXT does not
    list a move.
    """
    for m in moves:
        if m.to not in NEXT[m.was]:
            raise IllegalMove(m.job, m.was, m.to)
    if not moves:
        return set()
    with transaction.atomic(savepoint=False):
        moved = _update(moves, at)
        told = [(m.job, m.attempt, at, m.was, m.to, m.actor, m.reason[:500]) for m in moves if m.job in moved]
        insert_many(Event._meta.db_table, EVENT_COLUMNS, told, returning="id")
        note_ends(((m.job, m.to, m.reason) for m in moves if m.job in moved), at=at)
    logger.debug("%d of %d jobs moved", len(moved), len(moves))
    return moved


def _update(moves: Sequence[Move], at: datetime) -> set[int]:
    sql = f"""
        UPDATE jobs_job SET
            state = d.state, reason = d.reason, exit_code = d.exit_code, started_at = d.started_at,
            finished_at = d.finished_at, retry_at = d.retry_at, wake_at = d.wake_at,
            failures = CASE WHEN d.failed < 0 THEN 0 ELSE jobs_job.failures + d.failed END,
            tries = jobs_job.tries + CASE WHEN d.state = 'running' THEN 1 ELSE 0 END,
            position = COALESCE(d.position, jobs_job.position),
            ready_at = COALESCE(d.ready_at, jobs_job.ready_at)
        FROM {as_rows(COLUMNS)}
        WHERE jobs_job.id = d.id AND jobs_job.state = d.was
        RETURNING jobs_job.id
    """  # noqa: S608  (columns are constants of this file)
    rows = [
        (
            m.job, m.was, m.to, m.reason[:500], m.exit_code, m.started_at,
            (m.finished_at or at) if m.to.is_final else None,
            m.failed, m.retry_at, m.wake_at, m.position, at if m.to == JobState.READY else None,
        )
        for m in moves
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, [as_parameter(rows)])
        return {row[0] for row in cursor.fetchall()}
