"""Queues, job types and schedules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from hosts.models import Host, Pool
from jobs import parameters
from jobs.api.answers import utc
from jobs.api.stats import PERIOD, StatsAnswer, stats_json
from jobs.config import definitions, removal
from jobs.config.forms import JobTypeForm, OnFailField, ParameterBody, QueueForm, ScheduleBody
from jobs.models import Job, JobState, JobType, Queue, Schedule
from jobs.problems import Problem, Problems
from jobs.queueing.declarations import parameters_of
from jobs.queueing.timetables import timetable_of
from jobs.timing.timetable_json import timetable_to_json
from jobs.timing.windows import FIRST_YEAR, HORIZON, LAST_YEAR, intervals
from scheduler_site.api.fields import moment
from scheduler_site.api.paging import check_words, is_forced, whole
from scheduler_site.api.views import NamedViews, caller

OPENINGS_LIMIT: Final = 500
OPENINGS_DEFAULT: Final = 10


class Named(serializers.SlugRelatedField[Any]):
    """A row told by its name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="name", read_only=True, **kwargs)


class QueueAnswer(serializers.ModelSerializer[Queue]):
    """An ordered list of jobs with a schedule, a default place to run and limits.

    `counts`: how many jobs are in each state, of those that the caller may see.
    """

    schedule = Named(allow_null=True)
    host = Named(allow_null=True)
    pool = Named(allow_null=True)
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Queue
        fields = (
            "name", "title", "enabled", "schedule", "host", "pool", "max_running", "weight", "autostart_count",
            "keep_days", "counts",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_counts(self, queue: Queue) -> dict[str, int]:
        counts = self.context.get("counts")
        if counts is None:
            counts = policy.jobs_by_state(caller(self.context["request"]), [queue.pk])
        return {state: counts.get((queue.pk, state), 0) for state in JobState.values}


FORCED: Final = OpenApiParameter("forced", bool, description="Remove what needs it with it, unless a job of that runs.")


@extend_schema_view(
    create=extend_schema(request=QueueForm, responses={201: QueueAnswer}),
    partial_update=extend_schema(request=QueueForm(partial=True), responses=QueueAnswer),
    destroy=extend_schema(parameters=[FORCED]),
)
class QueueViews(NamedViews):
    """Ordered lists of jobs."""

    queryset = Queue.objects.select_related("schedule", "host", "pool")
    serializer_class = QueueAnswer

    def answers(self, rows: Sequence[Queue]) -> Sequence[Any]:
        context = {
            **self.get_serializer_context(),
            "counts": policy.jobs_by_state(caller(self.request), [row.pk for row in rows]),
        }
        return [QueueAnswer(row, context=context).data for row in rows]

    def define(self, data: Any, row: Queue | None) -> Queue:
        policy.check_names(caller(self.request), data, {"schedule": Schedule, "host": Host, "pool": Pool})
        return definitions.define_queue(data, queue=row)

    def remove(self, row: Queue, request: Request) -> None:
        removal.remove_queue(row, is_forced=is_forced(request.query_params))

    @extend_schema(parameters=PERIOD, responses=StatsAnswer)
    @action(detail=True, methods=["get"])
    def stats(self, request: Request, name: str) -> Response:
        """What the attempts of its jobs came to, by day unless something else is asked for."""
        queue = policy.named_for(caller(request), self.get_queryset(), name)
        check_words(request.query_params, ["since", "until", "by"])
        rows = policy.statistics(caller(request)).filter(queue=queue.pk)
        return Response(stats_json(rows, request.query_params, by="day"))


class JobTypeAnswer(serializers.ModelSerializer[JobType]):
    """A command template and its declared parameters, and what to do when it fails."""

    params = serializers.SerializerMethodField()
    on_fail = OnFailField(source="*", read_only=True)
    time_limit = serializers.IntegerField(source="time_limit_seconds", allow_null=True, help_text="Seconds.")
    lost_after = serializers.IntegerField(source="lost_after_seconds", allow_null=True, help_text="Seconds.")
    grace = serializers.IntegerField(source="grace_seconds", help_text="Seconds.")
    host = Named(allow_null=True)
    environment = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = JobType
        fields = (
            "name", "title", "template", "syntax", "params", "on_fail", "time_limit", "lost_after", "grace", "host",
            "max_running", "environment", "directory",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ParameterBody(many=True))
    def get_params(self, kind: JobType) -> list[dict[str, object]]:
        return parameters.to_json(parameters_of(kind))


@extend_schema_view(
    create=extend_schema(request=JobTypeForm, responses={201: JobTypeAnswer}),
    partial_update=extend_schema(request=JobTypeForm(partial=True)),
    destroy=extend_schema(parameters=[FORCED]),
)
class JobTypeViews(NamedViews):
    """Command templates."""

    queryset = JobType.objects.select_related("host").prefetch_related("parameters")
    serializer_class = JobTypeAnswer

    def define(self, data: Any, row: JobType | None) -> JobType:
        policy.check_names(caller(self.request), data, {"host": Host})
        return definitions.define_job_type(data, kind=row)

    def remove(self, row: JobType, request: Request) -> None:
        if forced := is_forced(request.query_params):
            policy.require_everywhere(caller(request), "delete", Job)
        removal.remove_job_type(row, is_forced=forced)


class ScheduleAnswer(ScheduleBody):
    """When jobs may start."""

    def to_representation(self, instance: Schedule) -> dict[str, Any]:
        timetable = timetable_to_json(timetable_of(instance))
        return {"name": instance.name, "title": instance.title, **timetable, "on_close": "finish"}


class OpeningAnswer(serializers.Serializer[Any]):
    """One interval in which jobs may start."""

    begin = serializers.DateTimeField()
    end = serializers.DateTimeField(help_text="Not included.")


class OpeningsAnswer(serializers.Serializer[Any]):
    """The next intervals. One that lasts for years is cut."""

    results = OpeningAnswer(many=True)


@extend_schema_view(
    create=extend_schema(request=ScheduleBody, responses={201: ScheduleAnswer}),
    partial_update=extend_schema(request=ScheduleBody(partial=True)),
    destroy=extend_schema(parameters=[FORCED]),
)
class ScheduleViews(NamedViews):
    """When jobs may start."""

    queryset = Schedule.objects.prefetch_related("windows", "exceptions")
    serializer_class = ScheduleAnswer

    def define(self, data: Any, row: Schedule | None) -> Schedule:
        return definitions.define_schedule(data, schedule=row)

    def remove(self, row: Schedule, request: Request) -> None:
        if forced := is_forced(request.query_params):
            policy.require_everywhere(caller(request), "delete", Queue)
        removal.remove_schedule(row, is_forced=forced)

    @extend_schema(
        parameters=[
            OpenApiParameter("from", str, description="ISO 8601 with an offset. Default: now."),
            OpenApiParameter("count", int, description=f"At most {OPENINGS_LIMIT}."),
        ],
        responses=OpeningsAnswer,
    )
    @action(detail=True, methods=["get"])
    def openings(self, request: Request, name: str) -> Response:
        """The next intervals in which jobs may start; the first may have begun."""
        schedule = policy.named_for(caller(request), self.get_queryset(), name)
        check_words(request.query_params, ["from", "count"])
        count = whole(
            request.query_params.get("count", str(OPENINGS_DEFAULT)), field="count", least=1, most=OPENINGS_LIMIT
        )
        start = _start(request.query_params.get("from"))
        found = intervals(timetable_of(schedule), start=start, end=start + HORIZON)
        told = [{"begin": utc(begin), "end": utc(end)} for begin, end in itertools.islice(found, count)]
        return Response({"results": told})


def _start(text: str | None) -> datetime:
    if text is None:
        return timezone.now()
    try:
        at = moment(text.replace(" ", "+"))
    except ValueError as problem:
        raise Problems(
            [Problem("bad_time", str(problem), "from", 'Write it like "2026-01-31T22:00:00Z".')]
        ) from problem
    room = timedelta(days=366) + 2 * HORIZON
    first, last = (
        datetime(FIRST_YEAR, 1, 1, tzinfo=at.tzinfo) + room,
        datetime(LAST_YEAR, 1, 1, tzinfo=at.tzinfo) - room,
    )
    if not first <= at <= last:
        hint = f"Possible: {first.year} to {last.year}."
        raise Problems([Problem("out_of_range", f"{at:%Y-%m-%d} is out of range.", "from", hint)])
    return at


VIEWS: Final[dict[str, type[NamedViews]]] = {
    "queues": QueueViews,
    "job-types": JobTypeViews,
    "schedules": ScheduleViews,
}
