"""Makes the site's own commands and checks known to Django, and its Celery application the current one."""

from __future__ import annotations

from django.apps import AppConfig

# Read for what importing them does: whoever sends a ring needs the application, `check` needs the checks.
from scheduler_site import celery, checks

__all__ = ["SiteConfig", "celery", "checks"]


class SiteConfig(AppConfig):
    name = "scheduler_site"
