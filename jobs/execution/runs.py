"""An open attempt as the engine that watches it sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import prefetch_related_objects

from hosts.supervisor.records import Ended, Killed
from jobs.execution.store import Sizes
from jobs.models import Attempt, AttemptRequest, JobType, OnFail, RetryWhen
from jobs.outcomes import RetryRule
from jobs.parameters import Parameter, ParameterType
from jobs.queueing.declarations import parameters_of


@dataclass(slots=True)
class Run:
    """One open attempt: what its rows say, and what has been heard from its host since.

    `carried` is the request that the host has been told of; `stored` how many bytes of each stream
    are kept and committed.
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

    def files(self, kind: ParameterType) -> list[tuple[str, str]]:
        """Names and values of the given file parameters of one kind."""
        return [(p.name, self.params[p.name]) for p in self.parameters if p.type == kind and self.params.get(p.name)]


def load(attempts: Sequence[int]) -> list[Run]:
    """The runs for these open attempts; those that have finished meanwhile are left out."""
    if not attempts:
        return []
    rows = list(
        Attempt.objects.filter(pk__in=attempts, finished_at=None)
        .select_related("job__type", "job__queue")
        .prefetch_related("job__type__parameters")
    )
    # Only what was handed over before can have output of which something is stored.
    prefetch_related_objects([row for row in rows if row.script_id is not None], "outputs")
    return list(_runs(rows))


def _runs(rows: Iterable[Attempt]) -> Iterable[Run]:
    declared: dict[int, tuple[Parameter, ...]] = {}
    for row in rows:
        kind = row.job.type
        if kind.pk not in declared:
            declared[kind.pk] = parameters_of(kind)
        yield Run(
            attempt=row.pk, job=row.job_id, number=row.number, marker=row.marker, kind=kind,
            queue=row.job.queue.name, parameters=declared[kind.pk], params=dict(row.job.params),
            failures=row.job.failures, claimed_at=row.claimed_at, started_at=row.started_at, phase=row.phase,
            request=row.request, was_handed_over=row.script_id is not None,
            stored=_stored(row),
        )  # fmt: skip


def _stored(row: Attempt) -> Sizes:
    if row.script_id is None:
        return Sizes()
    return Sizes(**{output.stream: output.size_bytes for output in row.outputs.all()})
