"""How fast work is taken in: rows committed, not yet run. The queue is disabled, so nothing else is measured."""

from __future__ import annotations

import time
from typing import Final

from bench.rows import Plan, Row, at_least
from bench.site import Site, running_site
from bench.yardstick import Rated, rated

QUEUE: Final = "intake"
TYPE: Final = "noop"


def measure(plan: Plan) -> list[Row]:
    """By a call in a process, by REST one by one, and as one list."""
    one_by_one, many = plan.count(1_000, quick=200), 2_000
    with running_site(plan) as site:
        site.define_type(TYPE, template="true")
        site.client.post("queues", {"name": QUEUE, "enabled": False})
        ways = (
            (f"accepting: {one_by_one:,} calls in process", lambda: _by_call(site, one_by_one), 0.1),
            (f"accepting: {one_by_one:,} × POST, one connection", lambda: _by_rest(site, one_by_one), 0.03),
            (f"accepting: one list of {many:,}", lambda: _by_list(site, many), 1),
        )
        return [_row(what, rated(plan, way), mark) for what, way, mark in ways]


def _row(what: str, found: Rated, mark: float) -> Row:
    bound = at_least(mark, of="ratio")
    return Row(what=what, value=found.rate, unit="jobs/s", ratio=found.ratio, mark=bound, figures=found.figures)


def _by_call(site: Site, count: int) -> float:
    return float(count / site.inside("submit_each", queue=QUEUE, type=TYPE, count=count)["seconds"])


def _by_rest(site: Site, count: int) -> float:
    began = time.monotonic()
    for _ in range(count):
        site.client.post("jobs", {"queue": QUEUE, "type": TYPE})
    return count / (time.monotonic() - began)


def _by_list(site: Site, count: int) -> float:
    began = time.monotonic()
    site.submit(TYPE, count=count, queue=QUEUE)
    return count / (time.monotonic() - began)
