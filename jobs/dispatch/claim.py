"""Turns a plan into rows: jobs running, attempts open, seats lent. All of it or nothing."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hosts import leases
from jobs.dispatch.plan import Start
from jobs.models import Attempt, JobState, Phase
from jobs.queueing.states import Move, move_many
from scheduler_site.records import insert_many

COLUMNS: Final = {
    "job_id": "bigint",
    "number": "bigint",
    "lane_id": "bigint",
    "host_id": "bigint",
    "marker": "text",
    "after": "bigint",
    "claimed_at": "timestamptz",
    "phase": "text",
    "request": "text",
    "outcome": "text",
    "reason": "text",
    "is_unconfirmed": "boolean",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt that a claim has opened."""

    pk: int
    job_id: int
    number: int
    host_id: int


def claim(starts: Sequence[Start], *, at: datetime) -> list[Opened]:
    """Open an attempt for each start whose job was still ready. Must run inside the dispatcher's transaction.

    Raises IntegrityError if a seat or a job is taken after all: then nothing of the batch happened.
    """
    moved = move_many(
        [Move(job=s.job.id, was=JobState.READY, to=JobState.RUNNING, attempt=s.job.tries + 1) for s in starts], at=at
    )
    won = {s.job.id: s for s in starts if s.job.id in moved}
    rows = [
        (
            s.job.id, s.job.tries + 1, s.job.lane, s.host.id,
            f"{s.job.id}.{s.job.tries + 1}.{secrets.token_hex(6)}", s.after, at,
            Phase.STARTING_HOST if s.after is None else Phase.NEXT_ON_HOST, "", "", "", False,
        )
        for s in won.values()
    ]  # fmt: skip
    made = insert_many(Attempt._meta.db_table, COLUMNS, rows, returning="id, job_id")
    seated = [(won[job].host.id, won[job].seat, attempt) for attempt, job in made]
    leases.take([leases.Loan(host, seat, attempt) for host, seat, attempt in seated if seat is not None], at=at)
    return [Opened(attempt, job, won[job].job.tries + 1, won[job].host.id) for attempt, job in made]
