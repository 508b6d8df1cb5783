"""Blocked jobs whose moment has come are asked again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from jobs.models import Job, JobState
from jobs.queueing.facts import JobFacts
from jobs.queueing.gates import job_blockers, wake_at
from jobs.queueing.states import Move, move_many
from scheduler_site.records import moment, query

BATCH = 1000


def facts_of(job: Job) -> JobFacts:
    """What a job's own gates look at."""
    return JobFacts(
        id=job.pk or 0, lane=job.lane_id, priority=job.priority, position=job.position, is_held=job.is_held,
        not_before=job.not_before, retry_at=job.retry_at, tries=job.tries,
    )  # fmt: skip


def wake_due(*, at: datetime) -> int:
    """Make ready every blocked job whose own gates have opened. How many were."""
    woken = 0
    while batch := list(Job.objects.filter(state=JobState.BLOCKED, wake_at__lte=at).order_by("wake_at")[:BATCH]):
        woken += len(ask_again(batch, at=at))
        if len(batch) < BATCH:
            break
    return woken


def ask_again(jobs: Sequence[Job], *, at: datetime, actor: str = "") -> set[int]:
    """Ask the gates of waiting jobs and move those whose answer differs from their state. The ids moved."""
    moves, later = [], []
    for job in jobs:
        blockers = job_blockers(facts_of(job), at)
        to = JobState.BLOCKED if blockers else JobState.READY
        reason = blockers[0].message if blockers else ""
        if to != job.state:
            moves.append(
                Move(
                    job=job.pk, was=JobState(job.state), to=to, reason=reason, actor=actor,
                    wake_at=wake_at(blockers), retry_at=job.retry_at if blockers else None,
                )
            )  # fmt: skip
        elif blockers:
            job.wake_at, job.reason = wake_at(blockers), reason
            later.append(job)
    Job.objects.bulk_update(later, ["wake_at", "reason"], batch_size=BATCH)
    return move_many(moves, at=at)


def next_wake() -> datetime | None:
    """When the next blocked job is due to be asked."""
    rows = query(
        "SELECT wake_at FROM jobs_job WHERE state = 'blocked' AND wake_at IS NOT NULL ORDER BY wake_at LIMIT 1"
    )
    return moment(rows[0][0]) if rows else None
