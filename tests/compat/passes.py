"""Passes of the dispatcher at chosen times."""

from __future__ import annotations

from datetime import datetime

from jobs.dispatch.tick import pass_once
from jobs.models import Attempt


def started(at: datetime) -> list[int]:
    """The jobs that a pass at `at` starts, in order."""
    before = set(Attempt.objects.values_list("pk", flat=True))
    pass_once(at=at)
    return list(Attempt.objects.exclude(pk__in=before).order_by("pk").values_list("job_id", flat=True))
