"""The Celery application. Its messages are doorbells: what has to be done stands in rows."""

from __future__ import annotations

import os

from celery import Celery

from scheduler_site.beat import BeatThread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")

app = Celery("batchyard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(BeatThread)
# By name: they need models, which are not there yet when Django's applications are being read.
app.steps["worker"].add("jobs.execution.bootstep:ConductorStep")
app.steps["consumer"].add("jobs.execution.bootstep:OwnQueueStep")
