"""Jobs: list, show, change, remove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from accounts.models import DEFAULT_HOST, User
from jobs.compat.batchd.edge import DONE, BatchdView, body_of, chosen, needed, value_of
from jobs.compat.batchd.shapes import job_json, job_rows
from jobs.compat.batchd.words import LISTS, STATUSES, listed, status_of
from jobs.config import removal
from jobs.models import Job, JobState, Queue
from jobs.problems import Problem, Problems, Refused
from jobs.queueing import control
from jobs.queueing.submit import FAR
from jobs.queueing.timetables import timetable_of
from jobs.timing.windows import is_open
from scheduler_site.api.fields import moment
from scheduler_site.api.views import caller

# batchd's words for places in a queue's line, and ours.
PLACES: Final = {"first": "first", "more": "up", "less": "down", "last": "last"}
FIELDS: Final = ("status", "host_name", "notes", "start_time", "queue_name")
CLEARED: Final = ("*", "", DEFAULT_HOST)


def moment_of(told: Mapping[str, Any]) -> datetime | None:
    """The `start_time` of a body; None for null and nothing. Raises Problems."""
    text = value_of(told, "start_time", str)
    if text is None:
        return None
    try:
        at = moment(text.replace(" ", "T", 1))
    except ValueError as problem:
        hint = 'Write it like "2026-01-31T22:00:00.000Z".'
        raise Problems([Problem("bad_time", str(problem), "start_time", hint)]) from problem
    if at > timezone.now() + FAR:
        raise Problems([Problem("bad_time", f"{at:%Y-%m-%d} is more than 20 years ahead.", "start_time")])
    return at


def check_window(queue: Queue, at: datetime | None) -> None:
    """Raises Problems if `at` is a moment in which no job of `queue` may start."""
    if at is None or queue.schedule is None:
        return
    timetable = timetable_of(queue.schedule)
    if not is_open(timetable, at):
        local = at.astimezone(timetable.zone)
        message = f'{local:%a %Y-%m-%d %H:%M %Z} is outside schedule "{queue.schedule}" of queue "{queue}".'
        raise Problems([Problem("outside_window", message, "start_time")])


class JobsView(BatchdView):
    """All jobs, by number."""

    def get(self, request: Request) -> Response:
        policy.require_everywhere(caller(request), "view", Job)
        word = chosen(request.query_params.get("status", "new"), LISTS, code="unknown_status", field="status")
        return Response([job_json(job) for job in sorted(listed(job_rows(), word), key=lambda job: job.pk)])


class JobView(BatchdView):
    """One job."""

    def get(self, request: Request, pk: str) -> Response:
        return Response(job_json(policy.job_of_right(caller(request), int(pk), rows=job_rows())))

    def put(self, request: Request, pk: str) -> Response:
        """Change its place, its queue, or what is said of it: one of the three, wholly or not at all."""
        user = caller(request)
        job = policy.job_of_right(user, int(pk), verb="change", rows=job_rows())
        told = body_of(request)
        forms = [form for form in ("priority", "move") if form in told]
        if len(forms) + any(key in told for key in FIELDS) != 1:
            message = 'Say one of: "priority"; "move"; or any of the fields ' + ", ".join(FIELDS) + "."
            raise Problems([Problem("one_form", message)])
        with transaction.atomic():
            CHANGES[forms[0] if forms else "fields"](job, told, user)
        return Response(DONE)

    def delete(self, request: Request, pk: str) -> Response:
        """Remove it. One that runs is ended with all its processes and stays, failed, until it is removed again."""
        user = caller(request)
        try:
            job = policy.job_of_right(user, int(pk), verb="delete", rows=Job.objects.all())
        except policy.Missing:
            return Response(DONE)
        if job.state == JobState.RUNNING:
            control.cancel(job, actor=user.get_username(), at=timezone.now())
        else:
            removal.remove_job(job)
        return Response(DONE)


def _put_in_line(job: Job, told: Mapping[str, Any], user: User) -> None:
    word = chosen(needed(told, "priority", str), PLACES, code="unknown_word", field="priority")
    try:
        control.move_to(job, place=PLACES[word], actor=user.get_username(), at=timezone.now())
    except Refused as refused:
        # Where the first is put forward, nothing changes.
        if refused.problem.code not in {"first_already", "last_already"}:
            raise


def _move(job: Job, told: Mapping[str, Any], user: User) -> None:
    _move_to(job, needed(told, "move", str), user)


def _move_to(job: Job, name: str, user: User) -> None:
    queue = policy.target_queue(user, job, name)
    if queue.pk != job.queue_id:
        control.move_to(job, queue=queue, actor=user.get_username(), at=timezone.now())


def _change_fields(job: Job, told: Mapping[str, Any], user: User) -> None:
    asked: dict[str, Any] = {"actor": user.get_username(), "at": timezone.now()}
    word = value_of(told, "status", str)
    target = word and chosen(word, STATUSES, code="unknown_status", field="status")
    if target == "New":
        _become(job, target, asked)
    if name := value_of(told, "queue_name", str):
        _move_to(job, name, user)
    if fields := _fields(job, told, user):
        control.change(job, fields, **asked)
    if target and target != "New":
        _become(job, target, asked)


def _fields(job: Job, told: Mapping[str, Any], user: User) -> dict[str, object]:
    fields: dict[str, object] = {}
    if (host := value_of(told, "host_name", str)) is not None:
        fields["host"] = policy.target_host(user, job, None if host in CLEARED else host)
    if (notes := value_of(told, "notes", str)) is not None:
        fields["notes"] = notes
    if "start_time" in told:
        fields["not_before"] = moment_of(told)
        check_window(job.queue, moment_of(told))
    return fields


def _become(job: Job, word: str, asked: Mapping[str, Any]) -> None:
    """Bring the job into the status `word`, if people may. Raises Refused."""
    now = status_of(job_rows().get(pk=job.pk))
    if now == word:
        return
    way = WAYS.get((now, word))
    if way is None:
        possible = sorted({to for was, to in WAYS if was == now})
        raise Refused(
            f"Job {job.pk} is {now}; it cannot be made {word}.", code="impossible_status",
            hint=f"Possible: {', '.join(possible)}.",
        )  # fmt: skip
    way(job, **asked)


# From one status to another, by what people may ask of a job.
WAYS: Final[Mapping[tuple[str, str], Callable[..., bool]]] = {
    ("New", "Postponed"): control.hold,
    ("Postponed", "New"): control.release,
    ("Done", "New"): control.retry,
    ("Failed", "New"): control.retry,
    **{(was, "Failed"): control.cancel for was in ("New", "Postponed", "Waiting", "Processing")},
}
CHANGES: Final[Mapping[str, Callable[[Job, Mapping[str, Any], User], None]]] = {
    "priority": _put_in_line,
    "move": _move,
    "fields": _change_fields,
}
