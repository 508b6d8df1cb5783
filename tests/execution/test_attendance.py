"""When a session does what it does again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from hosts.supervisor.records import Look, RunState
from jobs.execution.attendance import LOOK_AGAIN_SECONDS, LOOK_SECONDS, Attendance
from jobs.execution.inbox import Inbox
from tests.builders import MONDAY_NOON, make_host
from tests.execution.opened import open_runs

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox() -> Iterator[Inbox[Any]]:
    with ThreadPoolExecutor(1) as pool, closing(Inbox[Any](pool)) as inbox:
        yield inbox


@pytest.fixture
def silence() -> Iterator[Any]:
    """A journal in which nothing is written."""
    read_end, write_end = os.pipe()
    yield SimpleNamespace(fileno=lambda: read_end, read=lambda: b"", is_open=True)
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize(("state", "seconds"), [(RunState.LOST, LOOK_AGAIN_SECONDS), (RunState.RUNNING, LOOK_SECONDS)])
def test_what_looks_lost_is_looked_at_again_soon(
    state: RunState, seconds: float, inbox: Inbox[Any], silence: Any
) -> None:
    (run,) = open_runs(1)
    run.started_at, run.is_running, run.was_handed_over = MONDAY_NOON, True, True
    told = SimpleNamespace(look=lambda names: {name: Look(name, state=state) for name in names}, orders=None)
    post: Any = SimpleNamespace(
        host=make_host(), inbox=inbox, runs={run.marker: run}, line=SimpleNamespace(supervisor=told),
        collector=SimpleNamespace(small=lambda runs, at: ([], [])),
    )  # fmt: skip
    attendance = Attendance(post)
    attendance._follower = silence
    looked_at = time.monotonic()
    attendance._due = dict.fromkeys(attendance._due, looked_at + 60.0) | {attendance._look_for_lost: looked_at}

    attendance._step()

    assert attendance._due[attendance._look_for_lost] - time.monotonic() <= seconds
    assert attendance._due[attendance._look_for_lost] - looked_at >= seconds
