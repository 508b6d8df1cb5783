"""Runs that a host keeps until the run before them has ended: whose seats they wait for, how they are called off."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from jobs.dispatch.ahead import PATIENCE
from jobs.execution.finish import Final as Closing
from jobs.execution.post import Post
from jobs.execution.runs import Run
from jobs.outcomes import Ending
from jobs.parameters import ParameterType

# Of a longer run the way to its host and back is no large part.
SHORT: Final = timedelta(seconds=0.5)
# The host has forgotten by then what it was given, or has begun it.
RECALL_SECONDS: Final = PATIENCE.total_seconds() + 1.0
FILES: Final = frozenset({ParameterType.INPUT_FILE, ParameterType.OUTPUT_FILE})
RECALLED: Final = Ending("recalled", reason="The run before it on its host went on; it goes back in line.")


def soon_over(post: Post, ended: Iterable[tuple[Run, Closing]], *, at: datetime) -> list[int]:
    """The open attempts on the host that are as young as those lasted that have ended, and of their types.

    Files are brought before a start and fetched after an end, so types that have any are left out. None where the
    shell launches: it keeps nothing.
    """
    if not post.line.hello.has_resident:
        return []
    closed = {run.attempt: (run.kind, _is_short(run, closing)) for run, closing in ended}
    kinds = {kind.pk for kind, is_short in closed.values() if is_short}
    kinds -= {kind.pk for kind, is_short in closed.values() if not is_short}
    if not kinds:
        return []
    rest = (run for run in post.runs.values() if run.attempt not in closed and run.kind.pk in kinds)
    return [run.attempt for run in rest if _is_young(run, at)]


def _is_short(run: Run, closing: Closing) -> bool:
    if run.ended is None or closing.started_at is None or any(known.type in FILES for known in run.parameters):
        return False
    return closing.finished_at - closing.started_at < SHORT


def _is_young(run: Run, at: datetime) -> bool:
    return run.ended is None and not run.request and (run.started_at is None or at - run.started_at < SHORT)


def has_come(run: Run) -> None:
    """The host keeps this run, unless what is known of it already is that it has begun."""
    if not run.is_running and run.ended is None:
        run.recall_at = time.monotonic() + RECALL_SECONDS


def overdue(runs: Iterable[Run]) -> list[Run]:
    """Those of `runs` that their host was to have begun or forgotten by now."""
    at = time.monotonic()
    return [run for run in runs if run.recall_at is not None and run.recall_at <= at]


def with_followers(waiting: Sequence[Run], known: Iterable[Run]) -> list[Run]:
    """`waiting`, and what of `known` is kept to follow them: it cannot begin without them."""
    found = {run.marker: run for run in waiting}
    # In the order in which they were claimed, so that nobody stands before what it follows.
    for run in sorted(known, key=lambda each: each.attempt) if found else ():
        if run.after in found and run.recall_at is not None:
            found.setdefault(run.marker, run)
    return list(found.values())


def call_off(post: Post, runs: Sequence[Run]) -> list[Run]:
    """Those of `runs` that have not begun on the host, and never will. The others are like any other run now."""
    if not runs:
        return []
    recalled = post.line.supervisor.recall([run.marker for run in runs])
    for run in runs:
        run.recall_at = None
        run.was_handed_over = True
    return [run for run in runs if run.marker in recalled]
