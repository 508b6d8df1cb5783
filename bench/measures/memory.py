"""How much memory a site takes that has nothing to do, process by process."""

from __future__ import annotations

import time
from typing import Final

from bench.processes import pss_bytes, words
from bench.rows import Plan, Row, at_most
from bench.site import Site, running_site

MARK_MIB: Final = 250.0
MIB: Final = 1024 * 1024
PARTS: Final = {
    "scheduler_site.embedded": "launcher",
    "scheduler_site.web": "web",
    "scheduler_site.engine": "engine",
    "redis-server": "broker",
}


def measure(plan: Plan) -> list[Row]:
    """The share of memory (PSS) of all processes, after one job and a while of quiet."""
    with running_site(plan) as site:
        site.define_type("noop", template="true")
        site.wait_finished(site.submit("noop", count=1), seconds=60)
        time.sleep(plan.count(30, quick=5))
        shares = _shares(site)
    total = sum(shares.values())
    parts = [Row(what=f"memory, idle: {part}", value=share, unit="MiB PSS") for part, share in shares.items()]
    return [Row(what="memory, idle: all of it", value=total, unit="MiB PSS", mark=at_most(MARK_MIB)), *parts]


def _shares(site: Site) -> dict[str, float]:
    """MiB by part; what is none of the named parts is `shells`: the channels to the host."""
    shares: dict[str, float] = {}
    for pid in site.pids:
        command = words(pid)
        part = next((part for text, part in PARTS.items() if text in command), "shells")
        shares[part] = shares.get(part, 0.0) + pss_bytes(pid) / MIB
    return shares
