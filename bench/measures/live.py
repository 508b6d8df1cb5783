"""What 200 open live pages cost, and how soon a line that a job prints is on its page."""

from __future__ import annotations

import shutil
import time
from typing import Any, Final

from bench.browser import NoBrowser, lateness_milliseconds
from bench.measures.latency import TEMPLATE, TYPE, wait_milliseconds
from bench.pages_open import open_pages
from bench.processes import pss_bytes, words
from bench.rows import HALF, P95, NotMeasured, NotPossible, Plan, Row, at_most, percentile
from bench.site import QUEUE, Site, running_site

MEMORY_MARK_MB: Final = 100.0
# Of the same machine minutes apart; half of that is noise here.
SLOWER_MARK: Final = 1.5
LINE_MARK_MILLISECONDS: Final = 1000.0
RUNNING: Final = 10
LIST_SHARE: Final = 5
MB: Final = 1_000_000
SETTLE_SECONDS: Final = 5.0
TALKING: Final = "while :; do date +%s%N; sleep 1; done"
STREAM: Final = "/api/v1/jobs/{}/output/stream?states=true&stream=both"
CHANGES: Final = "/api/v1/jobs/changes"


def measure(plan: Plan) -> list[Row]:
    """Memory of the web process and latency, without and with the pages; then lines in a real browser."""
    with running_site(plan) as site:
        site.client.patch("hosts/localhost", {"seats": RUNNING + 8})
        site.define_type(TYPE, template=TEMPLATE)
        site.define_type("talking", template=TALKING)
        jobs = site.submit("talking", count=RUNNING)
        site.wait_running(RUNNING, seconds=60)
        return [*_with_pages(plan, site, jobs), *_lines(plan, site, jobs[0])]


def _with_pages(plan: Plan, site: Site, jobs: list[int]) -> list[Row]:
    count, runs = plan.count(200, quick=100), plan.count(50, quick=20)
    few, before = _waits(site, runs), pss_bytes(_web(site))
    lists = [CHANGES] * (count // LIST_SHARE)
    streams = [STREAM.format(jobs[number % len(jobs)]) for number in range(count - len(lists))]
    with open_pages(site.port, cookie=site.inside("session"), jobs=streams, lists=lists) as pages:
        time.sleep(SETTLE_SECONDS)
        many, during = _waits(site, runs), pss_bytes(_web(site))
        figures: dict[str, Any] = {"bytes": pages.bytes_read, "lists_renewed": pages.lists_renewed}
        if pages.lost:
            raise NotMeasured(f"{pages.lost} of {count} pages lost their stream.")
    told = f"live: {count} open pages"
    slower = percentile(many, HALF) / percentile(few, HALF)
    return [
        Row(what=f"{told}, memory of the web process", value=(during - before) / MB, unit="MB PSS",
            mark=at_most(MEMORY_MARK_MB), figures=figures),
        Row(what="live: no open page, submit to started, p50", value=percentile(few, HALF), unit="ms",
            figures={"all_milliseconds": few}),
        Row(what=f"{told}, submit to started, p50", value=percentile(many, HALF), unit="ms",
            figures={"all_milliseconds": many}),
        Row(what=f"{told}: against none", value=slower, unit="×", mark=at_most(SLOWER_MARK)),
    ]  # fmt: skip


def _waits(site: Site, runs: int) -> list[float]:
    return [wait_milliseconds(site, QUEUE) for _ in range(runs + 1)][1:]


def _web(site: Site) -> int:
    for pid in site.pids:
        if "scheduler_site.web" in words(pid):
            return pid
    raise NotMeasured("The site has no web process.")


def _lines(plan: Plan, site: Site, job: int) -> list[Row]:
    program = shutil.which("chromium")
    if program is None:
        raise NotPossible("no chromium, in which a page could be watched")
    address = f"http://127.0.0.1:{site.port}/jobs/{job}/"
    cookie = site.inside("session")
    try:
        late = lateness_milliseconds(program, address, cookie=cookie, lines=plan.count(60, quick=15))
    except NoBrowser as problem:
        raise NotPossible(str(problem)) from problem
    told = f"live: a printed line is on the page, {len(late)} lines"
    return [
        Row(what=f"{told}, p50", value=percentile(late, HALF), unit="ms", figures={"all_milliseconds": late}),
        Row(what=f"{told}, p95", value=percentile(late, P95), unit="ms", mark=at_most(LINE_MARK_MILLISECONDS)),
    ]
