"""How long the first page of jobs takes, in the API, in the pages and in the administration, with very many jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from bench.rows import HALF, P95, Plan, Row, at_most, percentile
from bench.site import Site, new_site

RATIO_MARK: Final = 2.0
P95_MARK: Final = 300.0
FEW: Final = 1_000
WARM: Final = 5
API: Final = "/api/v1/jobs"
FILTERED: Final = "/api/v1/jobs?queue=default&state=succeeded"
# Those that people look at in a browser, and so ask for with a cookie.
PAGES: Final = ("/jobs/", "/jobs/?queue=default&state=finished", "/queues/default/", "/queues/", "/admin/jobs/job/")
ADDRESSES: Final = (API, FILTERED, *PAGES)

Times = Mapping[str, list[float]]


def measure(plan: Plan) -> list[Row]:
    """Each address with few and with many jobs."""
    many = plan.count(1_000_000, quick=100_000)
    asked = plan.count(100, quick=20)
    few_times, many_times = _times(plan, FEW, asked), _times(plan, many, asked)
    return [row for path in ADDRESSES for row in _rows(path, many, few_times[path], many_times[path])]


def _rows(path: str, many: int, few_times: list[float], many_times: list[float]) -> list[Row]:
    small, large = percentile(few_times, HALF), percentile(many_times, HALF)
    figures = {"few_milliseconds": few_times, "many_milliseconds": many_times}
    return [
        Row(what=f"{path} with {FEW:,} jobs, p50", value=small, unit="ms"),
        Row(what=f"{path} with {many:,} jobs, p50", value=large, unit="ms", figures=figures),
        Row(
            what=f"{path} with {many:,} jobs, p95", value=percentile(many_times, P95), unit="ms", mark=at_most(P95_MARK)
        ),
        Row(what=f"{path}: many against few", value=large / small, unit="×", mark=at_most(RATIO_MARK)),
    ]


def _times(plan: Plan, jobs: int, asked: int) -> Times:
    with new_site(plan) as site:
        site.prepare()
        site.inside("stock", ready=jobs // 10, finished=jobs)
        # A queue that starts nothing keeps its line as it is.
        site.inside("disable")
        site.start()
        return {path: _milliseconds(_asker(site, path), asked) for path in ADDRESSES}


def _asker(site: Site, path: str) -> Callable[[], bytes]:
    cookie = site.inside("session") if path in PAGES else None
    return lambda: site.client.ask("GET", path, cookie=cookie)


def _milliseconds(ask: Callable[[], bytes], asked: int) -> list[float]:
    for _ in range(WARM):
        ask()
    times = []
    for _ in range(asked):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    return times
