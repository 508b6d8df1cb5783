"""Builders and checks that the API's tests share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from hosts.models import Host
from jobs.execution.store import STREAMS, FileStore, Sizes, Stream
from jobs.models import Attempt, Job, JobState, JobType, Outcome, Output, Parameter, Phase
from jobs.queueing.lanes import lane_for
from jobs.queueing.states import Move, move
from jobs.queueing.submit import Request, submit

V1 = "/api/v1"


def make_type(name: str) -> JobType:
    kind = JobType.objects.create(name=name, template="echo $scene $frame")
    Parameter.objects.create(job_type=kind, position=0, name="scene", type="String", required=True)
    Parameter.objects.create(job_type=kind, position=1, name="frame", type="Int", default="1")
    return kind


def make_job(owner: User, **given: Any) -> Job:
    told = {"queue": "nightly", "type": "render", "params": {"scene": "a"}, **given}
    return submit(Request(**told), owner=owner, at=timezone.now())


def start(job: Job, *, phase: Phase = Phase.RUNNING) -> Attempt:
    """Let the job run, as the dispatcher does."""
    at = timezone.now()
    assert move(job, Move(job=job.pk, was=JobState.READY, to=JobState.RUNNING, attempt=1, started_at=at), at=at)
    return Attempt.objects.create(
        job=job, number=job.tries, lane_id=lane_for(job.queue, job.type, None), host=Host.objects.get(name="localhost"),
        marker=f"{job.pk}.{job.tries}", phase=phase, claimed_at=at, started_at=at,
    )  # fmt: skip


def assert_error(answer: Any, status: int, *, code: str | None = None, field: str | None = None) -> Mapping[str, Any]:
    """The error's JSON, which has the one shape."""
    told: Mapping[str, Any] = answer.json()
    assert answer.status_code == status, told
    assert {"code", "message", "field", "hint"} <= set(told) <= {"code", "message", "field", "hint", "errors"}
    assert told["message"]
    problems = [*told.get("errors", []), told]
    if code is not None:
        assert code in [problem["code"] for problem in problems], told
    if field is not None:
        assert field in [problem["field"] for problem in problems], told
    return told


def write(attempt: Attempt, *pieces: tuple[Stream, bytes]) -> None:
    """Let the attempt have written `pieces` more, in this order."""
    store = FileStore(Path(settings.BATCHYARD_OUTPUT_DIR))
    rows = {row.stream: row.size_bytes for row in Output.objects.filter(attempt=attempt)}
    sizes = store.append(attempt.pk, pieces, sizes=Sizes(**rows))
    for stream in STREAMS:
        if sizes.of(stream):
            defaults = {"size_bytes": sizes.of(stream)}
            Output.objects.update_or_create(attempt=attempt, stream=stream, defaults=defaults)


def finish(attempt: Attempt, *, exit_code: int = 0) -> None:
    """Let the attempt and its job have ended."""
    at = timezone.now()
    attempt.outcome, attempt.exit_code, attempt.finished_at = Outcome.EXITED, exit_code, at
    attempt.save(update_fields=["outcome", "exit_code", "finished_at"])
    to = JobState.FAILED if exit_code else JobState.SUCCEEDED
    end = Move(job=attempt.job_id, was=JobState.RUNNING, to=to, exit_code=exit_code)
    assert move(attempt.job, end, at=at)
