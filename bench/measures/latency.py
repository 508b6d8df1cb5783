"""How long a job of an idle site waits: from the call of POST until its process writes the time."""

from __future__ import annotations

import time
from typing import Final

from bench.rows import HALF, Plan, Row, at_most, percentile
from bench.site import QUEUE, Site, running_site
from bench.sshd import NAME, running_sshd

TYPE: Final = "stamp"
TEMPLATE: Final = "date +%s%N"
# Long enough for the engine to have gone back to waiting.
PAUSE_SECONDS: Final = 0.1


def measure(plan: Plan) -> list[Row]:
    """On this machine."""
    with running_site(plan) as site:
        site.define_type(TYPE, template=TEMPLATE)
        return _rows("latency: local", _waits(site, QUEUE, _runs(plan)), half=50, worst=250)


def measure_ssh(plan: Plan) -> list[Row]:
    """Over SSH to an sshd on loopback. Raises NotPossible without one."""
    with running_site(plan) as site, running_sshd(site) as sshd:
        sshd.become_host_of(site)
        site.define_type(TYPE, template=TEMPLATE)
        return _rows("latency: SSH", _waits(site, NAME, _runs(plan)), half=150, worst=500)


def _runs(plan: Plan) -> int:
    return plan.count(50, quick=20)


def _rows(what: str, waits: list[float], *, half: float, worst: float) -> list[Row]:
    figures = {"all_milliseconds": waits}
    told = f"worst of {len(waits)}"
    return [
        Row(what=f"{what}, p50", value=percentile(waits, HALF), unit="ms", mark=at_most(half), figures=figures),
        Row(what=f"{what}, {told}", value=max(waits), unit="ms", mark=at_most(worst)),
    ]


def _waits(site: Site, queue: str, runs: int) -> list[float]:
    """Milliseconds, without the first run, which connects to the host."""
    return [wait_milliseconds(site, queue) for _ in range(runs + 1)][1:]


def wait_milliseconds(site: Site, queue: str) -> float:
    """Of one job."""
    time.sleep(PAUSE_SECONDS)
    asked = time.time_ns()
    job = site.client.post("jobs", {"queue": queue, "type": TYPE})["id"]
    site.wait_finished([job], seconds=60)
    return (int(site.client.ask("GET", f"/api/v1/jobs/{job}/output")) - asked) / 1_000_000
