"""Addresses of the pages about queues and jobs."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.decorators import login_required
from django.urls import path, re_path
from django.views.generic import RedirectView

from jobs.web.asking import ask_job
from jobs.web.listing import job_list
from jobs.web.output import download
from jobs.web.page import job_page
from jobs.web.queues import queue_list, queue_page, switch_queue
from jobs.web.submitting import choose_type, submit_job

NAME: Final = "(?P<name>[A-Za-z0-9_.-]{1,100})"

urlpatterns: Final = [
    path("", RedirectView.as_view(pattern_name="queues"), name="home"),
    path("queues/", queue_list, name="queues"),
    re_path(f"^queues/{NAME}/$", queue_page, name="queue"),
    re_path(f"^queues/{NAME}/(?P<word>enable|disable)/$", switch_queue, name="queue-switch"),
    path("jobs/", job_list, name="jobs"),
    path("jobs/<int:pk>/", job_page, name="job"),
    path("jobs/<int:pk>/ask/<slug:verb>/", ask_job, name="job-ask"),
    path("jobs/<int:pk>/output/<int:number>/<slug:stream>/", login_required(download), name="job-download"),
    path("submit/", choose_type, name="submit"),
    re_path(f"^submit/{NAME}/$", submit_job, name="submit-type"),
]
