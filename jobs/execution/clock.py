"""The one place where the engine asks what time it is."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """This moment, aware, UTC."""
    return timezone.now()
