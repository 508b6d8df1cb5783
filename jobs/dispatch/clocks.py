"""How far the clocks of engines are from the database's. Windows are asked by the one, leases by the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models.functions import Now

from jobs.models import Engine

# An engine that has not been heard of for so long does not dispatch.
RECENT: Final = timedelta(seconds=15)


def ahead_of_database(now: Callable[[], datetime]) -> timedelta:
    """How far the clock `now` is ahead of the database's, give or take half of the time that asking takes.

    SQLite has no clock of its own.
    """
    if connection.vendor != "postgresql":
        return timedelta(0)
    before = now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        database: datetime = cursor.fetchone()[0]
    after = now()
    return before + (after - before) / 2 - database


def nearest_engine() -> timedelta:
    """How far the clock of that engine is ahead that agrees best with the database; zero without engines."""
    offs = Engine.objects.filter(seen_at__gte=Now() - RECENT).values_list("clock_off_ms", flat=True)
    return timedelta(milliseconds=min(offs, key=abs, default=0))
