"""Which engines are alive: each says so every few seconds, by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models.functions import Now

from jobs.models import Engine

ALIVE: Final = timedelta(seconds=15)
FORGET: Final = timedelta(hours=1)


def report(name: str) -> None:
    """This engine is alive. Those that have not been heard of for long are forgotten."""
    if not Engine.objects.filter(pk=name).update(seen_at=Now()):
        Engine.objects.create(pk=name, started_at=Now(), seen_at=Now())
        Engine.objects.filter(seen_at__lt=Now() - FORGET).delete()


def withdraw(name: str) -> None:
    """This engine ends."""
    Engine.objects.filter(pk=name).delete()


def alive() -> int:
    """How many engines have reported lately."""
    return Engine.objects.filter(seen_at__gte=Now() - ALIVE).count()
