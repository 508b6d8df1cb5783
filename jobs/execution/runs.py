"""An open attempt as the engine that watches it sees it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from hosts.supervisor.records import Ended, Killed
from jobs.execution.hidden import Hidden, hidden_of
from jobs.execution.store import Sizes
from jobs.models import AttemptRequest, JobType, OnFail, Output, RetryWhen
from jobs.outcomes import Ending, RetryRule
from jobs.parameters import Parameter, ParameterType
from jobs.queueing.declarations import kinds_by_id
from jobs.redaction import MASK
from scheduler_site.records import moment, query

# Of a job whose values are not all plain.
SIGN: Final = json.dumps(MASK)
OPEN: Final = """
    SELECT a.id, a.job_id, a.number, a.marker, a.claimed_at, a.started_at, a.phase, a.request, a.script_id, a.deaths,
           j.params, j.failures, j.type_id, q.name, b.marker
    FROM jobs_attempt a JOIN jobs_job j ON j.id = a.job_id JOIN jobs_queue q ON q.id = j.queue_id
    LEFT JOIN jobs_attempt b ON b.id = a.after
    WHERE a.finished_at IS NULL AND a.id IN ({})
"""


@dataclass(slots=True)
class Run:
    """One open attempt: what its rows say, and what has been heard from its host since.

    `carried` is the request that the host has been told of; `stored` how many bytes of each stream
    are kept and committed. `hidden` are its secrets; `params` have a sign in their place.
    `after` is the marker of the run that it is to follow. `recall_at`: its host keeps it until then, by the clock of
    time.monotonic; None: it does not, or not any more.
    """

    attempt: int
    job: int
    number: int
    marker: str
    kind: JobType
    queue: str
    parameters: tuple[Parameter, ...]
    params: dict[str, str]
    failures: int
    claimed_at: datetime
    started_at: datetime | None
    phase: str
    request: str
    was_handed_over: bool
    stored: Sizes
    after: str | None = None
    recall_at: float | None = None
    deaths: int = 0
    hidden: Hidden | None = None
    is_running: bool = False
    is_busy: bool = False
    carried: str = ""
    give_up_at: datetime | None = None
    ended: Ended | None = None
    killed: Killed | None = None

    @property
    def rule(self) -> RetryRule:
        kind = self.kind
        return RetryRule(
            is_retry=kind.on_fail == OnFail.RETRY,
            is_later=kind.retry_when == RetryWhen.LATER,
            count=kind.retry_count,
            delay=timedelta(seconds=kind.retry_delay_seconds),
        )

    @property
    def is_ending(self) -> bool:
        """Whether somebody has asked for its end."""
        return self.request in {AttemptRequest.CANCEL, AttemptRequest.KILL}

    def told(self, ending: Ending) -> Ending:
        """`ending` as it may be told: without the run's secrets."""
        if self.hidden is None:
            return ending
        return replace(ending, reason=self.hidden.redaction.text(ending.reason))

    def files(self, kind: ParameterType) -> list[tuple[str, str]]:
        """Names and values of the given file parameters of one kind."""
        return [(p.name, self.params[p.name]) for p in self.parameters if p.type == kind and self.params.get(p.name)]


def load(attempts: Sequence[int]) -> list[Run]:
    """The runs for these open attempts; those that have finished meanwhile are left out."""
    if not attempts:
        return []
    rows = [_Row(*row) for row in query(OPEN.format(", ".join(["%s"] * len(attempts))), list(attempts))]
    kinds = kinds_by_id({row.type for row in rows})
    # Only what was handed over before can have output of which something is stored.
    stored = _stored([row.attempt for row in rows if row.script is not None])
    hidden = hidden_of([row.job for row in rows if SIGN in row.params])
    return [_run(row, *kinds[row.type], stored.get(row.attempt, Sizes()), hidden.get(row.job)) for row in rows]


class _Row(NamedTuple):
    attempt: int
    job: int
    number: int
    marker: str
    claimed_at: datetime
    started_at: datetime | None
    phase: str
    request: str
    script: str | None
    deaths: int
    params: str
    failures: int
    type: int
    queue: str
    after: str | None


def _run(row: _Row, kind: JobType, parameters: tuple[Parameter, ...], stored: Sizes, hidden: Hidden | None) -> Run:
    claimed_at = moment(row.claimed_at)
    assert claimed_at is not None  # noqa: S101  (the column is never empty)
    return Run(
        attempt=row.attempt, job=row.job, number=row.number, marker=row.marker, kind=kind, queue=row.queue,
        parameters=parameters, params=json.loads(row.params), failures=row.failures, claimed_at=claimed_at,
        started_at=moment(row.started_at), phase=row.phase, request=row.request,
        was_handed_over=row.script is not None, stored=stored,
        after=row.after, deaths=row.deaths, hidden=hidden,
    )  # fmt: skip


def _stored(attempts: Sequence[int]) -> dict[int, Sizes]:
    sizes: dict[int, Sizes] = {}
    for row in Output.objects.filter(attempt__in=attempts) if attempts else ():
        sizes[row.attempt_id] = sizes.get(row.attempt_id, Sizes())._replace(**{row.stream: row.size_bytes})
    return sizes
