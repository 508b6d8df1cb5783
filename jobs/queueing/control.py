"""What people may ask of a job after it was submitted.

A waiting job changes at once. A running one gets a request that its host carries out: the answer is
then True where the job has changed already and False where it is being carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.audit import commanded
from hosts.models import Host
from jobs.models import Attempt, AttemptRequest, Event, Job, JobState, Phase, Queue
from jobs.problems import Refused
from jobs.queueing import line
from jobs.queueing.bell import ring, ring_host
from jobs.queueing.lanes import lane_for
from jobs.queueing.states import Move, move
from jobs.queueing.waking import ask_again

WAITING: Final = line.WAITING
MOVE_TRIES: Final = 20


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
        failed=-1, position=line.position_at(at),
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
    """Put a waiting job elsewhere: into `queue`, to `place` (first, last, up, down), or just before another job.

    Raises Refused if it does not wait, is there already (up, down), or `before` is not a waiting job of that queue.
    """
    for _try in range(MOVE_TRIES):
        try:
            with transaction.atomic():
                return _move(job, queue, place, before, actor=actor, at=at)
        except line.Contended:
            job.refresh_from_db()
    message = f"Job {job.pk} was not moved: others are changing the jobs around its new place."
    raise Refused(message, code="busy", hint="Ask again.")


def _move(job: Job, queue: Queue | None, place: str, before: Job | None, *, actor: str, at: datetime) -> bool:
    target = queue or job.queue
    line.take_turn({job.queue_id, target.pk})
    now = Job.objects.select_for_update().get(pk=job.pk)
    if now.queue_id != job.queue_id:
        raise line.Contended
    _check_waiting(now)
    if before is None:
        found, told = line.PLACES[place](target.pk, now, at=at), f"Moved: {place}."
    else:
        found, told = line.before(_waiting_in(target, before, now), now), f"Moved before job {before.pk}."
    fields: dict[str, object] = {"position": found.position}
    if found.priority != now.priority:
        fields["priority"] = found.priority
        told += f" Its priority is now {found.priority}."
    if target.pk != now.queue_id:
        fields["queue"] = target
        told += f' Its queue is now "{target.name}".'
    return _change(job, fields, actor=actor, at=at, told=told)


def _waiting_in(queue: Queue, before: Job, job: Job) -> Job:
    """`before` as it is now. Raises Refused unless it is another job that waits in `queue`."""
    found = line.line_of(queue.pk).filter(pk=before.pk).exclude(pk=job.pk).first()
    if found is None:
        is_itself = before.pk == job.pk
        message = f"Job {job.pk} cannot be put before itself." if is_itself else (
            f'Job {before.pk} does not wait in queue "{queue.name}".'
        )  # fmt: skip
        raise Refused(message, code="not_waiting")
    return found


def _check_waiting(job: Job) -> None:
    if job.state not in WAITING:
        raise Refused(f"Job {job.pk} is {job.state}; only a waiting job can be changed.", code="not_waiting")


def _change(job: Job, fields: Mapping[str, object], *, actor: str, at: datetime, told: str = "") -> bool:
    """Change a waiting job's row; its lane and its own gates follow."""
    locked = Job.objects.select_for_update().get(pk=job.pk)
    _check_waiting(locked)
    for name, value in fields.items():
        setattr(locked, name, value)
    host = locked.host if isinstance(locked.host, Host) else None
    locked.lane_id = lane_for(locked.queue, locked.type, host)
    locked.save(update_fields=[*fields, "lane"])
    ask_again([locked], at=at, actor=actor)
    reason = told or ", ".join(f"{name}: {value}" for name, value in fields.items())
    Event.objects.create(job_id=job.pk, at=at, was=locked.state, now=locked.state, actor=actor, reason=reason[:500])
    job.refresh_from_db()
    ring()
    return True
