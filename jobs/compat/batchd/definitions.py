"""Schedules, job types and hosts."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from hosts.models import Host
from jobs.compat.batchd.edge import DONE, BatchdView, body_of, is_asked, renamed
from jobs.compat.batchd.shapes import schedule_json, type_json
from jobs.config import definitions, removal
from jobs.models import JobType, Schedule
from jobs.problems import Problem
from scheduler_site.api.views import caller


class SchedulesView(BatchdView):
    """All schedules."""

    def get(self, request: Request) -> Response:
        policy.require_everywhere(caller(request), "view", Schedule)
        rows = Schedule.objects.prefetch_related("windows", "exceptions").order_by("name")
        return Response([schedule_json(schedule) for schedule in rows])

    def post(self, request: Request) -> Response:
        """Make one, in the site's time zone."""
        policy.require(caller(request), "add", Schedule)
        told = renamed(body_of(request), {"name": "name", "weekdays": "weekdays", "time": "periods"})
        given: dict[str, Any] = {key: value for key, value in told.items() if value is not None}
        return Response(definitions.define_schedule(given).name)


class ScheduleView(BatchdView):
    """One schedule, to be removed; forced, with its queues and their jobs."""

    def delete(self, request: Request, name: str) -> Response:
        user = caller(request)
        policy.require_everywhere(user, "delete", Schedule)
        schedule = Schedule.objects.filter(name=name).first() if name.isprintable() else None
        if schedule is None:
            raise policy.Missing(Problem("not_found", f'There is no schedule "{name[:100]}".'))
        is_forced = is_asked(request, "forced")
        if is_forced:
            for queue in schedule.queues.all():
                policy.require(user, "delete", queue)
        removal.remove_schedule(schedule, is_forced=is_forced)
        return Response(DONE)


def _types(request: Request) -> Any:
    rows = JobType.objects.select_related("host").prefetch_related("parameters").order_by("name")
    return policy.visible(caller(request), rows)


class TypesView(BatchdView):
    """The job types that the caller may see or use."""

    def get(self, request: Request) -> Response:
        return Response([type_json(kind) for kind in _types(request)])


class TypeView(BatchdView):
    """One job type."""

    def get(self, request: Request, name: str) -> Response:
        kind = _types(request).filter(name=name).first() if name.isprintable() else None
        if kind is None:
            raise policy.Missing(Problem("not_found", f'There is no job type "{name[:100]}".'))
        return Response(type_json(kind))


class HostsView(BatchdView):
    """The names of the hosts that the caller may see or name in a job."""

    def get(self, request: Request) -> Response:
        rows, user = Host.objects.all(), caller(request)
        shown = {*policy.visible(user, rows).values_list("name", flat=True)}
        shown |= {*policy.submittable(user, rows).values_list("name", flat=True)}
        return Response(sorted(shown))
