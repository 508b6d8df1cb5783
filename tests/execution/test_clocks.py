"""Times of a host are told as ours."""

from __future__ import annotations

import time
from datetime import timedelta

from hosts.supervisor.records import Hello
from jobs.execution.clock import now
from jobs.execution.connect import HostClock

WIDE = timedelta(days=1)


def test_what_a_connection_took_to_be_made_moves_no_time() -> None:
    hello = Hello(
        directory="/", home="/", boot_id="", heard_at=time.monotonic() - 7.0, uptime_seconds=100.0, clock_seconds=0,
        shell="dash", journal_bytes=0, free_bytes=None, has_python=True,
    )  # fmt: skip
    at = now()

    told = HostClock.from_hello(hello).at(104.0, earliest=at - WIDE, latest=at + WIDE)

    assert abs(told - (at - timedelta(seconds=3))) < timedelta(seconds=0.1)
