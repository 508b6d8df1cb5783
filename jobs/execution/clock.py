"""The one place where the engine asks what time it is."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.utils import timezone


def now() -> datetime:
    """This moment, aware, UTC."""
    return timezone.now()


def uptime() -> timedelta:
    """Since this machine was booted, sleep included. Nobody can put it back."""
    return timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))
