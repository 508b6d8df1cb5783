"""What processes report about themselves: the memory they use, and the answers they gave."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from jobs.models import Tally, WebProcess

STATM: Final = Path("/proc/self/statm")
FORGET: Final = timedelta(hours=1)


def memory_bytes() -> int:
    """The memory of this process that is in use now."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@transaction.atomic
def report_web(name: str, answers: Mapping[str, int]) -> None:
    """This web process is alive, and has given so many answers of each kind since it said so last."""
    if not WebProcess.objects.filter(pk=name).update(seen_at=Now(), memory_bytes=memory_bytes()):
        WebProcess.objects.create(pk=name, seen_at=Now(), memory_bytes=memory_bytes())
        WebProcess.objects.filter(seen_at__lt=Now() - FORGET).delete()
    for kind, count in Counter(answers).items():
        _count(kind, count)


def _count(kind: str, count: int) -> None:
    """Raise a total. On PostgreSQL by a row more, so that nobody waits; an engine folds them."""
    told = {"kind": Tally.Kind.ANSWERS, "queue": 0, "label": kind}
    if connection.vendor == "postgresql" or not Tally.objects.filter(**told).update(count=F("count") + count):
        Tally.objects.create(**told, count=count)
