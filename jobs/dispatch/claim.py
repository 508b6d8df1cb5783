"""Turns a plan into rows: jobs running, attempts open, seats lent. All of it or nothing."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from hosts import leases
from jobs.dispatch.plan import Start
from jobs.models import Attempt, JobState
from jobs.queueing.states import Move, move_many


def claim(starts: Sequence[Start], *, at: datetime) -> list[Attempt]:
    """Open an attempt for each start whose job was still ready. Must run inside the dispatcher's transaction.

    Raises IntegrityError if a seat or a job is taken after all: then nothing of the batch happened.
    """
    moved = move_many(
        [Move(job=s.job.id, was=JobState.READY, to=JobState.RUNNING, attempt=s.job.tries + 1) for s in starts], at=at
    )
    won = [s for s in starts if s.job.id in moved]
    attempts = Attempt.objects.bulk_create(
        [
            Attempt(
                job_id=s.job.id, number=s.job.tries + 1, lane_id=s.job.lane, host_id=s.host.id,
                marker=f"{s.job.id}.{s.job.tries + 1}.{secrets.token_hex(6)}", claimed_at=at,
            )
            for s in won
        ]
    )  # fmt: skip
    leases.take(
        [leases.Loan(s.host.id, s.seat, a.pk) for s, a in zip(won, attempts, strict=True)],
        at=at,
    )
    return attempts
