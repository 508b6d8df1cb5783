"""Settings of django-q2 over its ORM broker. `python peer_djangoq.py` submits as it is told."""

from __future__ import annotations

import importlib
import os

import django
from peer_job import submit_as_told

SECRET_KEY = "measured and thrown away"  # noqa: S105
INSTALLED_APPS = ["django.contrib.contenttypes", "django_q"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["PEER_SQLITE"]}}
DATABASES["default"]["OPTIONS"] = {"timeout": 60, "transaction_mode": "IMMEDIATE"}  # type: ignore[assignment]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
Q_CLUSTER = {"name": "peer", "workers": 2, "orm": "default", "bulk": 10, "retry": 600, "timeout": 300, "poll": 0.2}

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "peer_djangoq"
    django.setup()
    enqueue = importlib.import_module("django_q.tasks").async_task
    submit_as_told(lambda: enqueue("peer_job.run"))
