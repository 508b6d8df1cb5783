"""Addresses of the pages about queues and jobs."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.decorators import login_required
from django.urls import path, re_path
from django.views.decorators.gzip import gzip_page
from django.views.generic import RedirectView

from jobs.web.asking import ask_job
from jobs.web.files import job_file, upload_file
from jobs.web.listing import job_list
from jobs.web.monitoring import monitoring
from jobs.web.moving import move_job, place_job
from jobs.web.output import download
from jobs.web.page import job_page
from jobs.web.queues import queue_list, queue_page, switch_queue
from jobs.web.stats import stats_page
from jobs.web.submitting import choose_type, submit_job
from jobs.web.subscriptions import change_subscription, end_subscription, subscriptions

# Pages are compressed, those of accounts with their secrets are not: the size of a compressed page tells something of
# what is in it. These have a random length added, and need a cookie that requests of other sites do not carry.
NAME: Final = "(?P<name>[A-Za-z0-9_.-]{1,100})"

urlpatterns: Final = [
    path("", RedirectView.as_view(pattern_name="queues"), name="home"),
    path("queues/", gzip_page(queue_list), name="queues"),
    re_path(f"^queues/{NAME}/$", gzip_page(queue_page), name="queue"),
    re_path(f"^queues/{NAME}/(?P<word>enable|disable)/$", switch_queue, name="queue-switch"),
    path("jobs/", gzip_page(job_list), name="jobs"),
    path("jobs/<int:pk>/", gzip_page(job_page), name="job"),
    path("jobs/<int:pk>/ask/<slug:verb>/", gzip_page(ask_job), name="job-ask"),
    path("jobs/<int:pk>/move/", gzip_page(place_job), name="job-place"),
    path("jobs/<int:pk>/move/<slug:place>/", move_job, name="job-move"),
    path("jobs/<int:pk>/output/<int:number>/<slug:stream>/", login_required(download), name="job-download"),
    path("jobs/<int:pk>/files/<slug:name>/", job_file, name="job-file"),
    path("uploads/", upload_file, name="upload"),
    path("stats/", gzip_page(stats_page), name="stats"),
    path("submit/", gzip_page(choose_type), name="submit"),
    re_path(f"^submit/{NAME}/$", gzip_page(submit_job), name="submit-type"),
    path("monitoring/", gzip_page(monitoring), name="monitoring"),
    path("subscriptions/", subscriptions, name="subscriptions"),
    path("subscriptions/<int:pk>/remove/", end_subscription, name="subscription-remove"),
    re_path(
        "^subscriptions/(?P<pk>[0-9]{1,18})/(?P<word>enable|disable|resend)/$", change_subscription,
        name="subscription-change",
    ),
]  # fmt: skip
