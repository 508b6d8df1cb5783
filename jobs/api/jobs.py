"""Jobs: submit, list, show, change, remove, and what may be asked of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from accounts.models import User
from jobs.api import answers
from jobs.api.filters import JobFilters
from jobs.api.requests import KEY_LIMIT, idempotency_key, read_request, read_requests
from jobs.config.removal import remove_job
from jobs.dispatch.explain import explain
from jobs.models import Event, Job, JobState
from jobs.problems import Problem, Problems
from jobs.queueing import control
from jobs.queueing.line import PLACES
from jobs.queueing.submit import FAR, NOTES_LIMIT, PRIORITY_LIMIT, submit, submit_list, submit_many
from jobs.queueing.submit import Request as Asked
from scheduler_site.api.admission import check_room
from scheduler_site.api.fields import Flag, Moment, Number, Strict, Text, Word, read
from scheduler_site.api.parsing import BulkJsonParser
from scheduler_site.api.views import StrictFilters, caller

# The jobs of a list have its key with their place in it.
PLACE_LENGTH: Final = len(":99999")


class JobForm(Strict):
    """A job as it is asked for. (Read by `jobs.api.requests`; this is its description.)"""

    queue = Text(help_text="Name of the queue.")
    type = Text(help_text="Name of the job type.")
    params = serializers.DictField(required=False, help_text="Values of the type's parameters, by name.")
    host = Text(required=False, allow_null=True, help_text="Name of a host. Null: by the type's or queue's choice.")
    notes = Text(required=False, max_length=NOTES_LIMIT)
    priority = Number(required=False, min_value=-PRIORITY_LIMIT, max_value=PRIORITY_LIMIT, help_text="Larger first.")
    not_before = Moment(required=False, allow_null=True, help_text="It never starts earlier.")
    held = Flag(required=False, help_text="It does not start until it is released.")


class BulkForm(Strict):
    """Many jobs, all or none."""

    jobs = JobForm(many=True)


class BulkAnswer(serializers.Serializer[Any]):
    """The ids of the new jobs, in their order."""

    ids = serializers.ListField(child=serializers.IntegerField())


class ChangeForm(Strict):
    """What may be changed of a job that waits; notes at any time."""

    priority = Number(required=False, min_value=-PRIORITY_LIMIT, max_value=PRIORITY_LIMIT)
    notes = Text(required=False, max_length=NOTES_LIMIT)
    not_before = Moment(required=False, allow_null=True)
    host = Text(required=False, allow_null=True)


class NothingForm(Strict):
    """An action that needs to be told nothing."""


class MoveForm(Strict):
    """Where a waiting job is put. Without `to` and `before`: last."""

    queue = Text(required=False, help_text="Name of a queue: the job is moved there.")
    to = Word(list(PLACES), required=False, help_text="`up` and `down` by one, within its own queue.")
    before = Number(required=False, min_value=1, max_value=2**63 - 1, help_text="Id of a waiting job.")


class JobsView(GenericAPIView[Job]):
    """All jobs that the caller may see, the newest first; and where new ones come in."""

    filter_backends = (StrictFilters,)
    filterset_class = JobFilters
    queryset = Job.objects.none()
    serializer_class = answers.JobAnswer

    @property
    def ordering(self) -> tuple[str, ...]:
        """By number; a list by time of creation has that as its order, so that an index leads to its begin."""
        by_time = {"created_after", "created_before"} & set(self.request.query_params)
        return ("-created_at", "-id") if by_time else ("-id",)

    def parts(self, rows: QuerySet[Job]) -> list[QuerySet[Job]]:
        """The list state by state, if several are asked for."""
        states = dict.fromkeys(self.request.query_params.get("state", "").split(","))
        return [rows.filter(state=state) for state in states] if len(states) > 1 else [rows]

    @extend_schema(responses=answers.JobAnswer(many=True))
    def get(self, request: Request) -> Response:
        """The newest first."""
        rows = self.filter_queryset(policy.visible(caller(request), answers.rows()))
        page = self.paginate_queryset(rows)
        return self.get_paginated_response([answers.job_json(job) for job in page or []])

    @extend_schema(request=JobForm, responses={201: answers.JobAnswer})
    def post(self, request: Request) -> Response:
        """Take one job in. With an Idempotency-Key that was used before: the job of that time."""
        policy.require(caller(request), "add", Job)
        check_room()
        key = idempotency_key(request.headers)
        asked = read_request(request.data)
        policy.require_submission(caller(request), [asked])
        job = submit(asked, owner=caller(request), at=timezone.now(), idempotency_key=key)
        return Response(answers.job_json(job), status=201)


class BulkView(GenericAPIView[Job]):
    """Many jobs at once."""

    parser_classes = (BulkJsonParser,)

    @extend_schema(request=BulkForm, responses={201: BulkAnswer})
    def post(self, request: Request) -> Response:
        """Take all of the jobs in, or none. With an Idempotency-Key that was used before: those of that time."""
        policy.require(caller(request), "add", Job)
        check_room()
        key = idempotency_key(request.headers, limit=KEY_LIMIT - PLACE_LENGTH)
        requests = read_requests(request.data)
        policy.require_submission(caller(request), requests)
        try:
            ids = _submit_all(requests, owner=caller(request), key=key)
        except Problems as found:
            if len(requests) != 1:
                raise
            raise Problems([problem.under("jobs[0]") for problem in found.problems]) from found
        return Response({"ids": ids}, status=201)


def _submit_all(requests: Sequence[Asked], *, owner: User, key: str | None) -> list[int]:
    at = timezone.now()
    if key is not None:
        return submit_list(requests, owner=owner, at=at, idempotency_key=key)
    return [job.pk for job in submit_many(requests, owner=owner, at=at)]


class JobView(GenericAPIView[Job]):
    """One job."""

    @extend_schema(responses=answers.JobAnswer)
    def get(self, request: Request, pk: str) -> Response:
        """The job."""
        return Response(answers.job_json(policy.job_for(caller(request), int(pk), rows=answers.rows())))

    @extend_schema(request=ChangeForm, responses=answers.JobAnswer)
    def patch(self, request: Request, pk: str) -> Response:
        """Change a waiting job; notes may change at any time."""
        job = policy.job_for(caller(request), int(pk), verb="change")
        fields = _checked(read(ChangeForm, request.data, is_part=True))
        if "host" in fields:
            fields["host"] = policy.target_host(caller(request), job, fields["host"])
        if fields:
            control.change(job, fields, actor=caller(request).get_username(), at=timezone.now())
        return _told(job, 200)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Remove a job that does not run, with its history and output."""
        remove_job(policy.job_for(caller(request), int(pk), verb="delete"))
        return Response(status=204)


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields`, if their values are possible. Raises Problems."""
    not_before = fields.get("not_before")
    if not_before is not None and not_before > timezone.now() + FAR:
        message = f"{not_before:%Y-%m-%d} is more than 20 years ahead."
        raise Problems([Problem("out_of_range", message, "not_before", "Is the year right?")])
    return fields


def _told(job: Job, status: int) -> Response:
    return Response(answers.job_json(answers.rows().get(pk=job.pk)), status=status)


Control = Callable[..., bool]

ACTIONS: Final[Mapping[str, Control]] = {
    "cancel": control.cancel,
    "kill": control.kill,
    "pause": control.pause,
    "resume": control.resume,
    "retry": control.retry,
    "hold": control.hold,
    "release": control.release,
}


class ActionView(GenericAPIView[Job]):
    """Something that may be asked of a job: 200 it is done, 202 it is being carried out, 409 refused."""

    verb = "cancel"

    @extend_schema(request=NothingForm, responses={200: answers.JobAnswer, 202: answers.JobAnswer})
    def post(self, request: Request, pk: str) -> Response:
        """Ask it of the job."""
        job = policy.job_for(caller(request), int(pk), verb=self.verb)
        read(NothingForm, request.data)
        is_done = ACTIONS[self.verb](job, actor=caller(request).get_username(), at=timezone.now())
        return _told(job, 200 if is_done else 202)


class MoveView(GenericAPIView[Job]):
    """A waiting job's way into another queue or to another place."""

    @extend_schema(request=MoveForm, responses=answers.JobAnswer)
    def post(self, request: Request, pk: str) -> Response:
        """Put the job elsewhere."""
        user = caller(request)
        job = policy.job_for(user, int(pk), verb="move")
        told = _one_place(read(MoveForm, request.data))
        queue = policy.target_queue(user, job, told["queue"]) if "queue" in told else None
        before = _before(request, told["before"]) if "before" in told else None
        control.move_to(
            job, queue=queue, place=told.get("to", "last"), before=before,
            actor=user.get_username(), at=timezone.now(),
        )  # fmt: skip
        return _told(job, 200)


def _one_place(told: dict[str, Any]) -> dict[str, Any]:
    """`told`, if it says one place. Raises Problems."""
    if "to" in told and "before" in told:
        raise Problems([Problem("two_places", 'A job is put "before" another or "to" a place, not both.', "to")])
    if told.get("to") in {"up", "down"} and "queue" in told:
        message = f"A job goes {told['to']} within its own queue."
        raise Problems([Problem("two_places", message, "to", 'Possible with "queue": first, last.')])
    return told


def _before(request: Request, pk: int) -> Job:
    try:
        return policy.job_for(caller(request), pk)
    except policy.Missing as missing:
        raise Problems([Problem("unknown_job", missing.problem.message, "before")]) from missing


class ExplainView(GenericAPIView[Job]):
    """Why a job waits."""

    @extend_schema(responses=answers.ExplainAnswer)
    def get(self, request: Request, pk: str) -> Response:
        """Everything that keeps the job from starting. No blockers: the dispatcher would start it now."""
        job = policy.job_for(caller(request), int(pk))
        is_waiting = job.state in {JobState.BLOCKED, JobState.READY}
        return Response(answers.blockers_json(explain(job, at=timezone.now()), is_waiting=is_waiting))


class EventsView(GenericAPIView[Event]):
    """A job's history."""

    filter_backends = (StrictFilters,)
    queryset = Event.objects.all()
    ordering = ("id",)

    @extend_schema(responses=answers.EventAnswer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """The oldest first."""
        job = policy.job_for(caller(request), int(pk))
        page = self.paginate_queryset(self.filter_queryset(Event.objects.filter(job_id=job.pk)))
        return self.get_paginated_response([answers.event_json(event) for event in page or []])
