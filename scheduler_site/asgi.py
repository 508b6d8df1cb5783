"""The web application for ASGI servers."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from scheduler_site.shortage import answering_shortage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
application = answering_shortage(get_asgi_application())
