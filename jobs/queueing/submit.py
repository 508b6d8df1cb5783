"""Takes work in: everything is checked here, whichever edge it came by, then committed as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from accounts.audit import record
from accounts.models import User
from hosts.models import Host
from jobs.models import Job, JobType, Queue
from jobs.parameters import validate
from jobs.problems import Problem, Problems, Refused, did_you_mean
from jobs.queueing.bell import ring
from jobs.queueing.declarations import kinds_by_name
from jobs.queueing.file_roots import check_file_parameters
from jobs.queueing.gates import job_blockers
from jobs.queueing.lanes import lane_for
from jobs.queueing.line import STEP, position_at
from jobs.queueing.secrets import keep_secrets, secrets_of
from jobs.queueing.states import record_births, set_first_state
from jobs.queueing.waking import facts_of
from jobs.redaction import MASK
from scheduler_site.durable import durable

PRIORITY_LIMIT: Final = 2**31 - 1
NOTES_LIMIT: Final = 10_000
FAR: Final = timedelta(days=366 * 20)
BULK_LIMIT: Final = 100_000
INSERT_BATCH: Final = 2_000
PROBLEMS_LIMIT: Final = 100
DIGEST: Final = "jobs.request"
NOUNS: Final = {"queue": "queue", "type": "job type", "host": "host"}

Row = TypeVar("Row", Queue, JobType, Host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One job as it is asked for. `not_before` is aware; `host` None means by the type's or queue's choice."""

    queue: str
    type: str
    params: Mapping[str, object] = field(default_factory=dict, repr=False)
    host: str | None = None
    notes: str = ""
    priority: int = 0
    not_before: datetime | None = None
    is_held: bool = False

    @property
    def digest(self) -> str:
        """Says whether two requests ask for the same.

        With a key of the site, as it is stored: without it nobody can try what a secret among the values may be.
        """
        told: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        text = json.dumps(told, sort_keys=True, default=str)
        return salted_hmac(DIGEST, text.encode("utf-8", "surrogatepass"), algorithm="sha256").hexdigest()


def submit(request: Request, *, owner: User, at: datetime, idempotency_key: str | None = None) -> Job:
    """Take one job in. With a key that `owner` has used: the job of that time.

    Raises Problems if the request is impossible, Refused if the key was used for another request.
    """
    if idempotency_key is not None and (earlier := _earlier(request, owner, idempotency_key)):
        return earlier
    try:
        return submit_many([request], owner=owner, at=at, idempotency_key=idempotency_key)[0]
    except IntegrityError:
        # The same key, a moment ago, in another process. Any other broken rule is raised on.
        if idempotency_key is None or not (earlier := _earlier(request, owner, idempotency_key)):
            raise
        return earlier


def submit_many(
    requests: Sequence[Request],
    *,
    owner: User,
    at: datetime,
    idempotency_key: str | None = None,
    list_key: str | None = None,
) -> list[Job]:
    """Take in all `requests`, in their order, or none. Raises Problems with fields like `jobs[3].params.scene`.

    `idempotency_key` is that of a single request, `list_key` that of the whole list.
    """
    if len(requests) > BULK_LIMIT:
        raise Problems([Problem("too_many", f"{len(requests)} jobs at once; {BULK_LIMIT} are possible.", "jobs")])
    desk = _Desk(requests, owner=owner, at=at)
    jobs = desk.prepare(requests)
    if idempotency_key is not None:
        jobs[0].idempotency_key, jobs[0].request_digest = idempotency_key, requests[0].digest
    if list_key is not None and jobs:
        jobs[0].request_digest = _list_digest(requests)
        for number, job in enumerate(jobs):
            job.idempotency_key = f"{list_key}:{number}"
    with durable(), transaction.atomic():
        Job.objects.bulk_create(jobs, batch_size=INSERT_BATCH)
        keep_secrets([(jobs[number].pk, values) for number, values in desk.secrets.items()])
        record_births(jobs, actor=owner.get_username(), at=at)
        _record(jobs, owner)
        ring()
    return jobs


def _record(jobs: Sequence[Job], owner: User) -> None:
    """One entry for all jobs that were submitted together."""
    if not jobs:
        return
    told = {"jobs": len(jobs), "first": jobs[0].pk, "last": jobs[-1].pk, "queues": sorted({j.queue.name for j in jobs})}
    first = str(jobs[0].pk) if len(jobs) == 1 else ""
    record("submit", kind="jobs.job", pk=first, name=first, after=told, actor=owner.get_username())


def submit_list(requests: Sequence[Request], *, owner: User, at: datetime, idempotency_key: str) -> list[int]:
    """Take in all `requests` or none: their ids. With a key that `owner` has used: those of that time that are left.

    Raises Problems as `submit_many` does, Refused if the key was used for other requests.
    """
    if earlier := _earlier_list(requests, owner, idempotency_key):
        return earlier
    try:
        return [job.pk for job in submit_many(requests, owner=owner, at=at, list_key=idempotency_key)]
    except IntegrityError:
        if not (earlier := _earlier_list(requests, owner, idempotency_key)):
            raise
        return earlier


def _list_digest(requests: Sequence[Request]) -> str:
    return hashlib.sha256("".join(request.digest for request in requests).encode()).hexdigest()


def _earlier_list(requests: Sequence[Request], owner: User, key: str) -> list[int]:
    first = Job.objects.filter(owner=owner, idempotency_key=f"{key}:0").first()
    if first is None:
        return []
    if first.request_digest != _list_digest(requests):
        raise Refused(
            f"The Idempotency-Key was used for jobs from {first.pk} on, which were asked for in other words.",
            code="idempotency_key_reused",
            hint="Use a new key for new jobs.",
        )
    # From the first on, by the primary key: the owner may have a million jobs with keys.
    rows = Job.objects.filter(pk__gte=first.pk, owner=owner, created_at=first.created_at)
    return list(rows.filter(idempotency_key__startswith=f"{key}:").order_by("pk").values_list("pk", flat=True))


def _earlier(request: Request, owner: User, key: str) -> Job | None:
    job = Job.objects.filter(owner=owner, idempotency_key=key).first()
    if job is not None and job.request_digest != request.digest:
        raise Refused(
            f"The Idempotency-Key was used for job {job.pk}, which was asked for in other words.",
            code="idempotency_key_reused",
            hint="Use a new key for a new job.",
        )
    return job


class _Desk:
    """Checks requests of one owner, looking each queue, type and host up once.

    `secrets` are the values of Secret parameters, by the place of their job: the jobs themselves do not hold them.
    """

    def __init__(self, requests: Sequence[Request], *, owner: User, at: datetime) -> None:
        self._owner = owner
        self._at = at
        hosts = {request.host for request in requests if request.host is not None}
        self._queues = _by_name(Queue, {request.queue for request in requests})
        self._hosts = _by_name(Host, hosts) if hosts else {}
        kinds = kinds_by_name({request.type for request in requests})
        self._types = {name: kind.type for name, kind in kinds.items()}
        self._declared = {name: kind.parameters for name, kind in kinds.items()}
        self._lanes: dict[tuple[int, int, int | None], int] = {}
        self.secrets: dict[int, dict[str, str]] = {}

    def prepare(self, requests: Sequence[Request]) -> list[Job]:
        """Unsaved jobs. Raises Problems with those of all requests."""
        jobs: list[Job] = []
        problems: list[Problem] = []
        for number, request in enumerate(requests):
            try:
                jobs.append(self._job(request, number))
            except Problems as found:
                single = len(requests) == 1
                problems += found.problems if single else [p.under(f"jobs[{number}]") for p in found.problems]
            if len(problems) >= PROBLEMS_LIMIT:
                break
        if problems:
            raise Problems(problems[:PROBLEMS_LIMIT])
        return jobs

    def _job(self, request: Request, number: int) -> Job:
        problems: list[Problem] = []
        queue = _named(Queue, self._queues, request.queue, "queue", problems)
        kind = _named(JobType, self._types, request.type, "type", problems)
        host = _named(Host, self._hosts, request.host, "host", problems) if request.host is not None else None
        problems += _range_problems(request, self._at)
        params = self._params(request, problems) if kind else {}
        if problems or queue is None or kind is None:
            raise Problems(problems)
        if hidden := secrets_of(self._declared[request.type], params):
            self.secrets[number] = hidden
            params |= dict.fromkeys(hidden, MASK)
        job = Job(
            queue=queue, type=kind, host=host, lane_id=self._lane(queue, kind, host), owner=self._owner, params=params,
            notes=request.notes, priority=request.priority, not_before=request.not_before, is_held=request.is_held,
            position=position_at(self._at) + number * STEP, created_at=self._at,
        )  # fmt: skip
        set_first_state(job, job_blockers(facts_of(job), self._at))
        return job

    def _lane(self, queue: Queue, kind: JobType, host: Host | None) -> int:
        key = (queue.pk, kind.pk, host.pk if host else None)
        if key not in self._lanes:
            self._lanes[key] = lane_for(queue, kind, host)
        return self._lanes[key]

    def _params(self, request: Request, problems: list[Problem]) -> dict[str, str]:
        declared = self._declared[request.type]
        try:
            params = validate(declared, request.params)
            return check_file_parameters(declared, params)
        except Problems as found:
            problems += found.problems
            return {}


def _by_name(model: type[Row], names: Collection[str]) -> dict[str, Row]:
    # Raw, as it is asked for each job that comes: building the same query anew took a tenth of a submission.
    places = ", ".join(["%s"] * len(names))
    sql = f"SELECT * FROM {model._meta.db_table} WHERE name IN ({places})"  # noqa: S608
    return {str(row): row for row in model._default_manager.raw(sql, list(names))}


def _named(model: type[Row], rows: Mapping[str, Row], name: str, field: str, problems: list[Problem]) -> Row | None:
    if name in rows:
        return rows[name]
    known = model._default_manager.values_list("name", flat=True)
    message = f'There is no {NOUNS[field]} "{name[:100]}".'
    problems.append(Problem(f"unknown_{field}", message, field, did_you_mean(name[:100], known)))
    return None


def _range_problems(request: Request, at: datetime) -> list[Problem]:
    problems = []
    if abs(request.priority) > PRIORITY_LIMIT:
        hint = f"Possible: -{PRIORITY_LIMIT} to {PRIORITY_LIMIT}."
        problems.append(Problem("out_of_range", f"Priority {request.priority} is out of range.", "priority", hint))
    if len(request.notes) > NOTES_LIMIT or "\0" in request.notes:
        problems.append(Problem("bad_notes", f"Notes are text of at most {NOTES_LIMIT} characters.", "notes"))
    if request.not_before is not None and request.not_before > at + FAR:
        message = f"{request.not_before:%Y-%m-%d} is more than 20 years ahead."
        problems.append(Problem("out_of_range", message, "not_before", "Is the year right?"))
    return problems
