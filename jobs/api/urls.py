"""Addresses of jobs and what is around them, beneath /api/v1/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path

from jobs.api import jobs, output
from jobs.api.changes import ChangesView
from jobs.api.files import FilesView, FileView
from jobs.api.job_files import JobFilesView, JobFileView
from jobs.api.jobs import ACTIONS, ActionView
from jobs.api.measures import MetricsView
from jobs.api.stats import StatsView
from jobs.api.stream import StreamView
from jobs.api.subscriptions import NoticesView, ResendView, SubscriptionsView, SubscriptionView

View = Callable[..., HttpResponseBase]

JOB: Final = "jobs/(?P<pk>[0-9]{1,19})"
SUBSCRIPTION: Final = "subscriptions/(?P<pk>[0-9]{1,18})"


def _route(pattern: str, view: View, name: str) -> URLPattern:
    return re_path(rf"^{pattern}/?$", view, name=f"api-{name}")


urlpatterns: Final = [
    _route("jobs", jobs.JobsView.as_view(), "jobs"),
    _route("jobs/bulk", jobs.BulkView.as_view(), "jobs-bulk"),
    _route("jobs/changes", ChangesView.as_view(), "job-changes"),
    _route(JOB, jobs.JobView.as_view(), "job"),
    *(_route(f"{JOB}/{verb}", ActionView.as_view(verb=verb), f"job-{verb}") for verb in ACTIONS),
    _route(f"{JOB}/move", jobs.MoveView.as_view(), "job-move"),
    _route(f"{JOB}/explain", jobs.ExplainView.as_view(), "job-explain"),
    _route(f"{JOB}/events", jobs.EventsView.as_view(), "job-events"),
    _route(f"{JOB}/files", JobFilesView.as_view(), "job-files"),
    _route(rf"{JOB}/files/(?P<name>[-\w]+)", JobFileView.as_view(), "job-file"),
    _route(f"{JOB}/output", output.OutputView.as_view(), "job-output"),
    _route(f"{JOB}/output/stream", StreamView.as_view(), "job-output-stream"),
    _route("stats", StatsView.as_view(), "stats"),
    _route("files", FilesView.as_view(), "files"),
    _route("files/(?P<path>.+?)", FileView.as_view(), "file"),
    _route("metrics", MetricsView.as_view(), "metrics"),
    _route("subscriptions", SubscriptionsView.as_view(), "subscriptions"),
    _route(SUBSCRIPTION, SubscriptionView.as_view(), "subscription"),
    _route(f"{SUBSCRIPTION}/notices", NoticesView.as_view(), "subscription-notices"),
    _route(f"{SUBSCRIPTION}/resend", ResendView.as_view(), "subscription-resend"),
]
