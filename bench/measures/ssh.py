"""Throughput over SSH to one sshd on loopback, beside Debian's ssh with one shared connection, 8 at a time."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from statistics import median_low
from typing import Final

from bench.measures.throughput import check_kept, rate_in_bulk
from bench.rows import Plan, Row, at_least
from bench.site import SEATS, running_site
from bench.sshd import NAME, Sshd, running_sshd
from bench.yardstick import Rated, rated

MARK: Final = 2.0
WARM: Final = 8


def measure(plan: Plan) -> list[Row]:
    """Ours, the peer before and after each round of it, and how many times faster ours is than their mean."""
    count, runs = plan.count(2_000, quick=200), plan.count(400, quick=100)
    ids: list[int] = []
    with running_site(plan) as site, running_sshd(site) as sshd:
        sshd.become_host_of(site)
        site.define_type("noop", template="true")
        site.wait_finished(site.submit("noop", count=WARM, queue=NAME), seconds=60)
        peers = [_peer_rate(sshd, runs)]

        def round_of_both() -> float:
            rate = rate_in_bulk(site, "noop", count, ids=ids, queue=NAME)
            peers.append(_peer_rate(sshd, runs))
            return rate

        ours = rated(plan, round_of_both)
        figures = check_kept(site, ids, output_bytes=0) | ours.figures
    beside = [(before + after) / 2 for before, after in pairwise(peers)]
    times = [rate / peer for rate, peer in zip(ours.rates, beside, strict=True)]
    peer = Rated(beside, ours.yardsticks)
    return [
        Row(
            what=f"ssh: {count:,} × `true`, in bulk", value=ours.rate, unit="jobs/s", ratio=ours.ratio,
            figures=figures,
        ),
        Row(
            what="ssh: Debian's ssh, ControlMaster, 8-way", value=peer.rate, unit="runs/s", ratio=peer.ratio,
            figures={"rates": peers},
        ),
        Row(
            what="ssh: ours against ControlMaster", value=median_low(times), unit="×", mark=at_least(MARK),
            figures={"times": times},
        ),
    ]  # fmt: skip


def _peer_rate(sshd: Sshd, runs: int) -> float:
    with _shared_connection(sshd), ThreadPoolExecutor(SEATS) as threads:
        command = ["ssh", *sshd.client_options, sshd.target, "true"]
        began = time.monotonic()
        list(threads.map(lambda _: subprocess.run(command, check=True, stdin=subprocess.DEVNULL), range(runs)))
        return runs / (time.monotonic() - began)


@contextmanager
def _shared_connection(sshd: Sshd) -> Iterator[None]:
    command = ["ssh", *sshd.client_options]
    subprocess.run([*command, "-M", "-N", "-f", sshd.target], check=True, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        subprocess.run([*command, "-O", "exit", sshd.target], check=True, capture_output=True)
