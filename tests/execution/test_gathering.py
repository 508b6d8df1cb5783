"""When a session waits a moment, so that ends that follow each other are closed together."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from hosts.supervisor.records import Ended, EndKind
from jobs.execution.gathering import GATHER_SECONDS, NEWEST, YOUNG, Heard
from jobs.execution.runs import Run
from tests.builders import MONDAY_NOON
from tests.execution.opened import open_runs

pytestmark = pytest.mark.django_db


def heard_of(found: list[Run], *, seats: int = 8) -> tuple[Heard, Any]:
    post: Any = SimpleNamespace(host=SimpleNamespace(seats=seats), runs={run.marker: run for run in found})
    return Heard(post), post


def end(run: Run) -> Run:
    run.ended = Ended(run.marker, EndKind.EXITED, 0, uptime_seconds=1, has_stdout=False, has_stderr=False)
    return run


def test_an_end_waits_for_those_that_began_with_it() -> None:
    first, second = open_runs(2)
    heard, _ = heard_of([first, second])

    assert heard.add([end(first)], at=MONDAY_NOON) == GATHER_SECONDS
    assert heard.add([end(second)], at=MONDAY_NOON) == 0
    assert heard.take() == [first, second]
    assert heard.take() == []


def test_an_end_alone_does_not_wait() -> None:
    (run,) = open_runs(1)
    heard, _ = heard_of([run])

    assert heard.add([end(run)], at=MONDAY_NOON) == 0


def test_what_runs_for_longer_is_not_waited_for() -> None:
    first, second = open_runs(2)
    second.started_at = MONDAY_NOON
    heard, _ = heard_of([first, second])

    assert heard.add([end(first)], at=MONDAY_NOON + YOUNG) == 0


def test_where_all_seats_are_taken_somebody_may_want_the_one_that_is_free_now() -> None:
    first, second = open_runs(2)
    heard, _ = heard_of([first, second], seats=2)

    assert heard.add([end(first)], at=MONDAY_NOON) == 0


def test_what_was_closed_meanwhile_is_not_closed_again() -> None:
    first, second = open_runs(2)
    heard, post = heard_of([first, second])
    heard.add([end(first), end(second)], at=MONDAY_NOON)

    del post.runs[first.marker]

    assert heard.take() == [second]


def test_no_more_than_the_newest_are_looked_at() -> None:
    *older, last = open_runs(NEWEST + 2)
    for run in older[1:]:
        run.started_at = MONDAY_NOON - timedelta(hours=1)
    heard, _ = heard_of([*older, last], seats=100)

    assert heard.add([end(last)], at=MONDAY_NOON) == 0
