"""What people may ask of a job after it was submitted.

A waiting job changes at once. A running one gets a request that its host carries out: the answer is
then True where the job has changed already and False where it is being carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from django.db import transaction
from django.db.models import Q

from accounts.audit import commanded
from hosts.models import Host
from jobs.models import Attempt, AttemptRequest, Event, Job, JobState, Phase, Queue
from jobs.problems import Refused
from jobs.queueing.bell import ring, ring_host
from jobs.queueing.lanes import lane_for
from jobs.queueing.states import Move, move
from jobs.queueing.submit import position_at
from jobs.queueing.waking import ask_again

WAITING: Final = frozenset({JobState.BLOCKED, JobState.READY})


@commanded
def cancel(job: Job, *, actor: str, at: datetime) -> bool:
    """End the job: at once if it waits; if it runs, by TERM, grace, KILL. Raises Refused if it has ended."""
    if job.state in WAITING:
        told = Move(
            job=job.pk, was=JobState(job.state), to=JobState.CANCELLED, actor=actor, reason=f"Cancelled by {actor}."
        )
        if move(job, told, at=at):
            return True
    return _ask(job, AttemptRequest.CANCEL, actor=actor, at=at)


@commanded
def kill(job: Job, *, actor: str, at: datetime) -> bool:
    """End a running job by KILL at once; it has then failed. Raises Refused if it does not run."""
    return _ask(job, AttemptRequest.KILL, actor=actor, at=at)


@commanded
def pause(job: Job, *, actor: str, at: datetime) -> bool:
    """Freeze a running job's processes. Raises Refused if it does not run."""
    return _ask(job, AttemptRequest.PAUSE, actor=actor, at=at)


@commanded
def resume(job: Job, *, actor: str, at: datetime) -> bool:
    """Thaw a paused job's processes. Raises Refused if it is not paused."""
    return _ask(job, AttemptRequest.RESUME, actor=actor, at=at)


@transaction.atomic
def _ask(job: Job, request: AttemptRequest, *, actor: str, at: datetime) -> bool:
    attempt = Attempt.objects.select_for_update().filter(job=job, finished_at=None).first()
    if attempt is None:
        job.refresh_from_db()
        raise Refused(
            f"Job {job.pk} is {job.state}; it cannot be asked to {request}.",
            code="not_running",
            hint="Only a running job can." if job.state in WAITING else "It has ended; it can be retried.",
        )
    _check(attempt, request)
    if attempt.request == request:
        return False
    attempt.request = request
    attempt.save(update_fields=["request"])
    Event.objects.create(
        job_id=job.pk, attempt=attempt.number, at=at, was=job.state, now=job.state, actor=actor,
        reason=f"Asked to {request}.",
    )  # fmt: skip
    ring_host(attempt.host_id)
    return False


def _check(attempt: Attempt, request: AttemptRequest) -> None:
    is_ending = attempt.request in {AttemptRequest.CANCEL, AttemptRequest.KILL}
    if is_ending and request in {AttemptRequest.PAUSE, AttemptRequest.RESUME}:
        raise Refused(f"Job {attempt.job_id} is being ended; it cannot be asked to {request}.", code="being_ended")
    if request == AttemptRequest.PAUSE and attempt.phase not in {Phase.RUNNING, Phase.PAUSED}:
        raise Refused(f"Job {attempt.job_id} has no command running yet ({attempt.phase}).", code="not_running")
    if request == AttemptRequest.RESUME and attempt.phase != Phase.PAUSED and attempt.request != AttemptRequest.PAUSE:
        raise Refused(f"Job {attempt.job_id} is not paused.", code="not_paused")


@commanded
def retry(job: Job, *, actor: str, at: datetime) -> bool:
    """Let a finished job run once more, behind those that wait. Raises Refused if it has not finished."""
    if not JobState(job.state).is_final:
        raise Refused(f"Job {job.pk} is {job.state}; only a finished job can be retried.", code="not_finished")
    told = Move(
        job=job.pk, was=JobState(job.state), to=JobState.READY, actor=actor, reason=f"Retried by {actor}.",
        failed=-1, position=position_at(at),
    )  # fmt: skip
    if move(job, told, at=at):
        ask_again([job], at=at, actor=actor)
    job.refresh_from_db()
    ring()
    return True


@commanded
def hold(job: Job, *, actor: str, at: datetime) -> bool:
    """Keep a waiting job from starting until it is released. Raises Refused if it does not wait."""
    return _change(job, {"is_held": True}, actor=actor, at=at)


@commanded
def release(job: Job, *, actor: str, at: datetime) -> bool:
    """Let a held job go on. Raises Refused if it does not wait."""
    return _change(job, {"is_held": False}, actor=actor, at=at)


@commanded
def change(job: Job, fields: dict[str, object], *, actor: str, at: datetime) -> bool:
    """Change `priority`, `not_before`, `host`, `notes` of a job that waits. Notes may change at any time."""
    if set(fields) <= {"notes"}:
        Job.objects.filter(pk=job.pk).update(**fields)
        job.refresh_from_db()
        return True
    return _change(job, fields, actor=actor, at=at)


@commanded
def move_to(
    job: Job, *, queue: Queue | None = None, place: str = "last", before: Job | None = None, actor: str, at: datetime
) -> bool:
    """Put a waiting job elsewhere: into `queue`, at `place` (first, last), or just before another job.

    Raises Refused if it does not wait, or `before` is not a waiting job of the same queue.
    """
    target = queue or job.queue
    fields: dict[str, object] = {"queue": target, "position": _position(job, target, place, before, at)}
    if before is not None:
        fields["priority"] = before.priority
    return _change(job, fields, actor=actor, at=at)


@commanded
def swap(job: Job, *, way: Literal["forward", "back"], actor: str, at: datetime) -> bool:
    """Let a waiting job change places with its neighbour in its queue's line. True also where it has none.

    Raises Refused if it does not wait.
    """
    _check_waiting(Job.objects.get(pk=job.pk))
    beside = _neighbour(job, way)
    if beside is None:
        return True
    # In one order, so that two who swap at once wait for each other instead of for ever.
    locked = Job.objects.select_for_update().filter(pk__in=[job.pk, beside.pk]).order_by("pk")
    places = {row.pk: {"priority": row.priority, "position": row.position} for row in locked}
    mine, other = places[job.pk], places[beside.pk]
    if mine == other:
        other["position"] += -1 if way == "forward" else 1
    else:
        _change(beside, mine, actor=actor, at=at)
    return _change(job, other, actor=actor, at=at)


def _neighbour(job: Job, way: Literal["forward", "back"]) -> Job | None:
    """The waiting job directly ahead of or behind `job` in its queue."""
    waiting = Job.objects.filter(queue=job.queue_id, state__in=WAITING)
    place = {"priority": job.priority, "position": job.position}
    if way == "forward":
        ahead = Q(priority__gt=job.priority) | Q(priority=job.priority, position__lt=job.position)
        ahead |= Q(**place, pk__lt=job.pk)
        return waiting.filter(ahead).order_by("priority", "-position", "-pk").first()
    behind = Q(priority__lt=job.priority) | Q(priority=job.priority, position__gt=job.position)
    behind |= Q(**place, pk__gt=job.pk)
    return waiting.filter(behind).order_by("-priority", "position", "pk").first()


def _position(job: Job, queue: Queue, place: str, before: Job | None, at: datetime) -> int:
    waiting = Job.objects.filter(queue=queue, state__in=WAITING).exclude(pk=job.pk)
    if before is not None:
        if before.queue_id != queue.pk or before.state not in WAITING or before.pk == job.pk:
            raise Refused(f'Job {before.pk} does not wait in queue "{queue.name}".', code="not_waiting")
        ahead = waiting.filter(priority=before.priority, position__lt=before.position).order_by("-position").first()
        return _between(ahead.position if ahead else None, before)
    if place == "first":
        first = waiting.filter(priority__gte=job.priority).order_by("position").first()
        return (first.position - 1_000_000) if first else position_at(at)
    last = waiting.order_by("-position").first()
    return max(position_at(at), last.position + 1 if last else 0)


def _between(ahead: int | None, before: Job) -> int:
    if ahead is None:
        return before.position - 1_000_000
    middle = (ahead + before.position) // 2
    if middle <= ahead:
        raise Refused(f"There is no place left before job {before.pk}.", hint='Move it "first", or raise its priority.')
    return middle


def _change(job: Job, fields: Mapping[str, object], *, actor: str, at: datetime) -> bool:
    """Change a waiting job's row; its lane and its own gates follow."""
    locked = Job.objects.select_for_update().get(pk=job.pk)
    _check_waiting(locked)
    for name, value in fields.items():
        setattr(locked, name, value)
    host = locked.host if isinstance(locked.host, Host) else None
    locked.lane_id = lane_for(locked.queue, locked.type, host)
    locked.save(update_fields=[*fields, "lane"])
    ask_again([locked], at=at, actor=actor)
    told = ", ".join(f"{name}: {value}" for name, value in fields.items() if name != "position") or "moved"
    Event.objects.create(job_id=job.pk, at=at, was=locked.state, now=locked.state, actor=actor, reason=told[:500])
    job.refresh_from_db()
    ring()
    return True


def _check_waiting(job: Job) -> None:
    """Raises Refused unless `job`, as it has just been read, waits."""
    if job.state not in WAITING:
        raise Refused(f"Job {job.pk} is {job.state}; only a waiting job can be changed.", code="not_waiting")
