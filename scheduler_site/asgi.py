"""The web application for ASGI servers."""

from __future__ import annotations

import os

import django

from scheduler_site.application import Application
from scheduler_site.shortage import answering_shortage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
django.setup(set_prefix=False)
application = answering_shortage(Application())
