"""Looks at what a site shows while a fault stands, for faults that promise to be shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from tests.lab.yard import Lab

SHOWN_SECONDS: Final = 30.0


def seconds_until(is_so: Callable[[], bool], *, seconds: float) -> float | None:
    """How long it took until `is_so`; None if that is longer than `seconds`."""
    begun, pause = time.monotonic(), threading.Event()
    while time.monotonic() - begun < seconds:
        if is_so():
            return round(time.monotonic() - begun, 1)
        pause.wait(0.2)
    return None


def phases(lab: Lab, host: str) -> set[str]:
    """The phases of the open attempts on a host."""
    running = lab.site.call("GET", "jobs?state=running&page_size=200")["results"]
    return {a["phase"] for job in running for a in job["attempts"] if a["host"] == host and a["finished_at"] is None}


def host_state(lab: Lab, host: str) -> str:
    return str(lab.site.call("GET", f"hosts/{host}")["state"])


def submit(lab: Lab, command: str, *, host: str, **fields: Any) -> int:
    """A job of the fault's own. The checker leaves it out; who submits it looks at it."""
    told = {"queue": "default", "type": "command", "host": host, "params": {"command": command}, **fields}
    return int(lab.site.call("POST", "jobs", told)["id"])


def job(lab: Lab, number: int) -> dict[str, Any]:
    told: dict[str, Any] = lab.site.call("GET", f"jobs/{number}")
    return told


def ended(lab: Lab, number: int, *, seconds: float) -> dict[str, Any]:
    """The job once it has ended, or as it is after `seconds`."""
    seconds_until(lambda: job(lab, number)["finished_at"] is not None, seconds=seconds)
    return job(lab, number)


def left(lab: Lab, word: str) -> int:
    """How many processes whose command line holds `word` live on the spare host."""
    look = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null; true"
    return sum(word in line for line in lab.spare.inside("sh", "-c", look).splitlines() if "for p in" not in line)
