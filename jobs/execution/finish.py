"""Closes attempts: outcome, job state, seat, in one transaction for a whole batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from hosts import leases
from jobs.execution import ownership
from jobs.models import JobState, Output
from jobs.outcomes import Ending, RetryRule, judge
from jobs.queueing.line import position_at
from jobs.queueing.states import Move, move_many
from scheduler_site.records import as_parameter, as_rows, change, query

COLUMNS = {
    "id": "bigint",
    "outcome": "text",
    "exit_code": "bigint",
    "signal": "bigint",
    "reason": "text",
    "unconfirmed": "bigint",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """An attempt that has ended, and what is needed to say what that means for its job."""

    attempt: int
    job: int
    number: int
    ending: Ending
    started_at: datetime | None
    finished_at: datetime
    failures: int
    rule: RetryRule
    is_unconfirmed: bool = False
    outputs: Sequence[Output] = ()


@transaction.atomic
def finish_many(
    finals: Sequence[Final], *, grip: ownership.Grip, at: datetime, journal_offset: int | None = None
) -> set[int]:
    """Close attempts that are still open. The ids that this call closed.

    An attempt that somebody else has closed has no further effect here: nothing of it is written,
    nothing released. Raises ownership.Fenced, writing nothing, if the host is no longer ours.
    """
    ownership.check(grip, journal_offset=journal_offset)
    closed = _close(finals)
    mine = [final for final in finals if final.attempt in closed]
    move_many([_move(final, at) for final in mine], at=at)
    outputs = [output for final in mine for output in final.outputs]
    Output.objects.bulk_create(
        outputs,
        update_conflicts=True,
        unique_fields=["attempt", "stream"],
        update_fields=["size_bytes", "sha256", "sealed_at", "dropped_from", "dropped_to"],
    )
    if closed:
        _pass_on(closed, leases.release(closed, at=at), at=at)
    return set(closed)


def _pass_on(closed: Mapping[int, int | None], free: Sequence[leases.Loan], *, at: datetime) -> None:
    """Lend a seat that comes free to the attempt that was to follow in it, if there is one.

    What followed a closed attempt that had no seat yet follows what that one was to follow.
    """
    places = ", ".join(["%s"] * len(closed))
    sql = f"SELECT id, after FROM jobs_attempt WHERE finished_at IS NULL AND after IN ({places})"  # noqa: S608
    seats = {loan.holder: loan for loan in free}
    loans = []
    for attempt, before in query(sql, list(closed)):
        while before in closed and before not in seats:
            before = closed[before]
        if before in seats:
            loans.append(seats[before]._replace(holder=attempt))
        elif before is not None:
            change("UPDATE jobs_attempt SET after = %s WHERE id = %s", [before, attempt])
    if loans:
        leases.take(loans, at=at)


def _close(finals: Sequence[Final]) -> dict[int, int | None]:
    """Those that this call closed, each with the attempt that it was to follow."""
    sql = f"""
        UPDATE jobs_attempt SET
            finished_at = d.finished_at, outcome = d.outcome, exit_code = d.exit_code, signal = d.signal,
            reason = d.reason, is_unconfirmed = (d.unconfirmed = 1), request = '',
            started_at = COALESCE(d.started_at, jobs_attempt.started_at)
        FROM {as_rows(COLUMNS)}
        WHERE jobs_attempt.id = d.id AND jobs_attempt.finished_at IS NULL
        RETURNING jobs_attempt.id, jobs_attempt.after
    """  # noqa: S608  (columns are constants of this file)
    rows = [
        (
            f.attempt, f.ending.outcome, f.ending.exit_code, f.ending.signal, f.ending.reason[:500],
            int(f.is_unconfirmed), f.started_at, f.finished_at,
        )
        for f in finals
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, [as_parameter(rows)])
        return dict(cursor.fetchall())


def _move(final: Final, at: datetime) -> Move:
    verdict = judge(final.ending, final.rule, failures=final.failures, at=at)
    is_waiting = verdict.retry_at is not None
    return Move(
        job=final.job,
        was=JobState.RUNNING,
        to=JobState.BLOCKED if is_waiting else JobState(verdict.state),
        reason=final.ending.reason,
        attempt=final.number,
        exit_code=final.ending.exit_code,
        started_at=final.started_at,
        finished_at=final.finished_at,
        failed=verdict.failed,
        retry_at=verdict.retry_at,
        wake_at=verdict.retry_at,
        position=position_at(at) if verdict.is_later else None,
    )
