"""What it costs the engine to watch running jobs that say nothing: a thousand on one host against ten."""

from __future__ import annotations

import time
from typing import Final

from bench.processes import cpu_seconds, family, words
from bench.rows import NotMeasured, Plan, Row, at_most
from bench.site import Site, running_site

MARK: Final = 5.0
FEW: Final = 10
SETTLE_SECONDS: Final = 3.0
LAUNCH_SECONDS: Final = 300.0


def measure(plan: Plan) -> list[Row]:
    """Processor seconds per second, of the engine with the shells through which it talks to the host."""
    many, span_seconds = plan.count(1_000, quick=200), plan.count(30, quick=8)
    with running_site(plan) as site:
        site.client.patch("hosts/localhost", {"seats": many})
        site.define_type("silent", template="exec sleep 3600")
        few_cost = _cost(site, FEW, running=FEW, span_seconds=span_seconds)
        many_cost = _cost(site, many - FEW, running=many, span_seconds=span_seconds)
    if not few_cost:
        raise NotMeasured(f"The engine used no measurable processor time in {span_seconds} s.")
    return [
        Row(what=f"watching {FEW} running jobs", value=few_cost * 1000, unit="CPU ms/s"),
        Row(what=f"watching {many:,} running jobs", value=many_cost * 1000, unit="CPU ms/s"),
        Row(what="watching: many against few", value=many_cost / few_cost, unit="×", mark=at_most(MARK)),
    ]


def _cost(site: Site, count: int, *, running: int, span_seconds: float) -> float:
    site.submit("silent", count=count)
    site.wait_running(running, seconds=LAUNCH_SECONDS)
    time.sleep(SETTLE_SECONDS)
    engine = family(_engine(site))
    began, used = time.monotonic(), sum(map(cpu_seconds, engine))
    time.sleep(span_seconds)
    cost = (sum(map(cpu_seconds, engine)) - used) / (time.monotonic() - began)
    if site.running() != running:
        raise NotMeasured(f"{site.running()} of {running} jobs are still running: not only watching was measured.")
    return cost


def _engine(site: Site) -> int:
    for pid in site.pids:
        if "scheduler_site.engine" in words(pid):
            return pid
    raise NotMeasured("The site has no engine process.")
