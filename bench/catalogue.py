"""All measurements, by name, in the order in which they are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bench.measures import accepting, latency, live, memory, output, pages, queued, ssh, throughput, watching
from bench.peers import measure as peers
from bench.rows import Plan, Row

Measure = Callable[[Plan], list[Row]]

MEASURES: Final[Mapping[str, Measure]] = {
    "throughput": throughput.measure,
    "accepting": accepting.measure,
    "ssh": ssh.measure,
    "latency": latency.measure,
    "latency-ssh": latency.measure_ssh,
    "queued": queued.measure,
    "watching": watching.measure,
    "pages": pages.measure,
    "live": live.measure,
    "memory": memory.measure,
    "output": output.measure,
    **peers.MEASURES,
}
