"""Runs as a session knows them."""

from __future__ import annotations

from jobs.dispatch.tick import dispatch_once
from jobs.execution import runs
from jobs.execution.runs import Run
from tests.builders import MONDAY_NOON, make_host, make_job


def open_runs(count: int, *, type: str = "command") -> list[Run]:
    make_host(seats=count)
    for _ in range(count):
        make_job(type=type)
    return runs.load([attempt.pk for attempt in dispatch_once(at=MONDAY_NOON)[0]])
