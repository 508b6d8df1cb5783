"""Addresses beneath /batchd/, each with and without a slash at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from jobs.compat.batchd import definitions, jobs, monitor, people, queues, results
from jobs.compat.batchd.edge import BatchdView
from jobs.problems import Problem

View = Callable[..., HttpResponseBase]

NAME: Final = "(?P<name>[^/]+)"
PREFIX: Final = "(?P<prefix>[^/]+)"
NUMBER: Final = "(?P<pk>[0-9]{1,19})"


class RootView(BatchdView):
    """Tells everybody how people may say who they are."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        if request.method != "OPTIONS":
            super().initial(request, *args, **kwargs)

    def options(self, request: HttpRequest, *args: object, **kwargs: object) -> Response:
        ways = () if "disabled" in settings.BATCHYARD_AUTH else ("basic", "header")
        return Response([way for way in ways if way in settings.BATCHYARD_AUTH])


class NothingView(BatchdView):
    """Where there is nothing, for whoever may know."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS":
            raise policy.Missing(Problem("not_found", f"There is nothing at {request.path[:200]}."))


def _route(pattern: str, view: View) -> URLPattern:
    return re_path(rf"^{pattern}/?$", view)


urlpatterns: Final = [
    re_path("^$", RootView.as_view()),
    _route("stats", queues.StatsView.as_view()),
    _route(f"stats/{NAME}", queues.QueueStatsView.as_view()),
    _route("queue", queues.QueuesView.as_view()),
    _route(f"queue/{NAME}", queues.QueueView.as_view()),
    _route(f"queue/{NAME}/jobs", queues.QueueJobsView.as_view()),
    _route(f"queue/{NAME}/type", queues.QueueTypesView.as_view()),
    _route(f"queue/{NAME}/host", queues.QueueHostsView.as_view()),
    _route(f"queue/{NAME}/type/(?P<kind>[^/]+)/host", queues.QueueHostsView.as_view()),
    _route(f"queue/{NAME}/(?P<seq>-?[0-9]{{1,16}})", queues.QueuePlaceView.as_view()),
    _route("jobs", jobs.JobsView.as_view()),
    _route(f"job/{NUMBER}", jobs.JobView.as_view()),
    _route(f"job/{NUMBER}/results", results.ResultsView.as_view()),
    _route(f"job/{NUMBER}/results/last", results.LastResultView.as_view()),
    _route("schedule", definitions.SchedulesView.as_view()),
    _route(f"schedule/{NAME}", definitions.ScheduleView.as_view()),
    _route("type", definitions.TypesView.as_view()),
    _route(f"type/{NAME}", definitions.TypeView.as_view()),
    _route("host", definitions.HostsView.as_view()),
    _route("user", people.UsersView.as_view()),
    _route(f"user/{NAME}", people.UserView.as_view()),
    _route(f"user/{NAME}/permissions", people.PermissionsView.as_view()),
    _route(f"user/{NAME}/permissions/{NUMBER}", people.PermissionView.as_view()),
    _route("monitor/current/plain", monitor.CurrentView.as_view()),
    _route("monitor/current/tree", monitor.CurrentTreeView.as_view()),
    _route("monitor/jobs", monitor.JobCountsView.as_view()),
    _route(f"monitor/{PREFIX}/current/plain", monitor.CurrentView.as_view()),
    _route(f"monitor/{PREFIX}/current/tree", monitor.CurrentTreeView.as_view()),
    _route(f"monitor/{NAME}/last", monitor.LastView.as_view()),
    _route(f"monitor/{PREFIX}/query", monitor.QueryView.as_view()),
    re_path("^(?P<path>(?s:.*))$", NothingView.as_view()),
]
