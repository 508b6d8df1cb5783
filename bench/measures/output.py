"""One job that writes very much: how soon the first bytes can be read, how fast they are kept, who grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.processes import rss_bytes, until, words
from bench.rows import Figures, NotMeasured, Plan, Row, at_most
from bench.site import Site, running_site

MB: Final = 1_000_000
GROWTH_MARK_MB: Final = 100.0
FIRST_MARK_MS: Final = 2_000.0
LIMIT_SECONDS: Final = 900.0
SAMPLE_SECONDS: Final = 0.1


def measure(plan: Plan) -> list[Row]:
    """1 GB of text from one job."""
    size_bytes = plan.count(1_000, quick=100) * MB
    with running_site(plan) as site:
        site.define_type(
            "loud", template=f"yes 'batchyard writes the same line again and again' | head -c {size_bytes}"
        )
        site.define_type("quiet", template="true")
        site.wait_finished(site.submit("quiet", count=1), seconds=60)
        with _growth(site) as growth_bytes:
            first_seconds, seconds = _run(site, size_bytes)
    grown = {what: size / MB for what, size in growth_bytes.items()}
    told = f"output: {size_bytes // MB:,} MB of one job"
    figures: Figures = {"growth_mb": grown}
    return [
        Row(what=f"{told}, submit to kept", value=size_bytes / MB / seconds, unit="MB/s"),
        Row(what=f"{told}, first bytes", value=first_seconds * 1000, unit="ms", mark=at_most(FIRST_MARK_MS)),
        Row(
            what=f"{told}, growth of the process that grew most", value=max(grown.values()), unit="MB RSS",
            mark=at_most(GROWTH_MARK_MB), figures=figures,
        ),
    ]  # fmt: skip


def _run(site: Site, size_bytes: int) -> tuple[float, float]:
    """Seconds until the first bytes could be read, and until all of them were kept."""
    began = time.monotonic()
    job = site.client.post("jobs", {"queue": "default", "type": "loud"})["id"]
    path = f"/api/v1/jobs/{job}/output?stream=stdout&limit=100"
    until(lambda: bool(site.client.ask("GET", path)), seconds=60, what="the first bytes can be read")
    first_seconds = time.monotonic() - began
    site.wait_finished([job], seconds=LIMIT_SECONDS)
    seconds = time.monotonic() - began
    kept = site.rows("SELECT sum(size_bytes) FROM jobs_output")[0][0]
    if kept != size_bytes:
        raise NotMeasured(f"The job wrote {size_bytes} bytes and {kept} were kept.")
    return first_seconds, seconds


@contextmanager
def _growth(site: Site) -> Iterator[dict[str, int]]:
    """By process, how many bytes its resident memory was at most above what it was at the beginning."""
    before = {pid: rss_bytes(pid) for pid in site.pids}
    names = {pid: f"{words(pid)[:80]} ({pid})" for pid in before}
    grown = dict.fromkeys(names.values(), 0)
    is_over = threading.Event()

    def sample() -> None:
        while not is_over.wait(SAMPLE_SECONDS):
            for pid, size in before.items():
                grown[names[pid]] = max(grown[names[pid]], rss_bytes(pid) - size)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield grown
    finally:
        is_over.set()
        sampler.join()
