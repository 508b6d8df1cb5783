"""Ends that follow each other within a moment are closed together.

One by one they would take a transaction and a pass of the dispatcher each, and who submits one job after another would
wait for all of them: on SQLite one writer waits for the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from jobs.execution.post import Post
from jobs.execution.runs import Run

GATHER_SECONDS: Final = 0.02
# What is older is not expected to end within the next moment.
YOUNG: Final = timedelta(seconds=0.05)
# A host may have thousands of runs that say nothing; those taken up last are looked at.
NEWEST: Final = 16


class Heard:
    """The runs of a host of whose end its journal has told since they were last taken."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._runs: dict[str, Run] = {}

    def add(self, runs: Iterable[Run], *, at: datetime) -> float:
        """How many seconds from `at` more may be waited for: none where a seat may be wanted or no other is to end."""
        self._runs |= {run.marker: run for run in runs}
        known = self._post.runs
        newest = islice(reversed(known.values()), NEWEST)
        is_in_company = len(known) < self._post.host.seats and any(_is_young(run, at) for run in newest)
        return GATHER_SECONDS if is_in_company else 0.0

    def take(self) -> list[Run]:
        """Those that are still open; from now on others are gathered."""
        runs, self._runs = self._runs, {}
        return [run for marker, run in runs.items() if marker in self._post.runs]


def _is_young(run: Run, at: datetime) -> bool:
    return run.ended is None and at - (run.started_at or run.claimed_at) < YOUNG
