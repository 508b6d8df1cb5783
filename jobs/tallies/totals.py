"""Reads the running totals, and keeps their table short."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from django.db import connection
from django.db.models import Sum

from jobs.models import Tally
from scheduler_site.records import change, query

FOLD_OVER: Final = 500
FOLD_MOST: Final = 50_000

# Two engines that fold at once take different rows.
FOLD: Final = """
    WITH gone AS (
        DELETE FROM jobs_tally WHERE id IN (SELECT id FROM jobs_tally ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
        RETURNING kind, queue, label, count)
    INSERT INTO jobs_tally (kind, queue, label, count)
    SELECT kind, queue, label, SUM(count) FROM gone GROUP BY kind, queue, label HAVING SUM(count) <> 0
"""


def totals() -> dict[str, dict[tuple[int, str], int]]:
    """All totals: by kind, then by queue and label."""
    found: dict[str, dict[tuple[int, str], int]] = defaultdict(dict)
    for kind, queue, label, count in query("SELECT kind, queue, label, SUM(count) FROM jobs_tally GROUP BY 1, 2, 3"):
        found[kind][queue, label] = int(count)
    return found


def jobs_by_state(queues: Iterable[int]) -> Mapping[tuple[int, str], int]:
    """How many jobs of each of `queues` are in each state; pairs without a job may be missing."""
    rows = Tally.objects.filter(kind=Tally.Kind.JOBS, queue__in=queues).values_list("queue", "label")
    return {(queue, state): count for queue, state, count in rows.annotate(total=Sum("count"))}


def fold_once() -> int:
    """Bring what statements have appended into one row for each total. How many rows that left.

    Does nothing on SQLite, where the triggers keep one row for each, nor while there is little to fold.
    """
    if connection.vendor != "postgresql" or not query("SELECT 1 FROM jobs_tally OFFSET %s LIMIT 1", [FOLD_OVER]):
        return 0
    return change(FOLD, [FOLD_MOST])
