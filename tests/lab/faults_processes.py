"""Faults of the site's own processes."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator

import psutil

from tests.lab.fault import CATALOGUE, Details
from tests.lab.site import kill
from tests.lab.yard import Lab

add = CATALOGUE.add


def some(lab: Lab, kind: str, chance: random.Random) -> psutil.Process:
    """One running process of a kind."""
    return chance.choice(sorted(lab.site.processes(kind), key=lambda process: process.pid))


@add("F1", "web-killed", expected="runs untouched; a repeat with the same key gives one job", seconds=(0.0, 2.0))
def web_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    process = some(lab, "web", chance)
    kill(process)
    yield {"pid": process.pid}


@add("F2", "engine-killed", expected="others take over within the lease; no second start", seconds=(0.0, 3.0))
def engine_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    process = some(lab, "engine", chance)
    kill(process)
    yield {"pid": process.pid}


@add("F2", "engines-killed", expected="no second start, everything is taken up again", seconds=(0.0, 3.0))
def engines_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    processes = lab.site.processes("engine")
    for process in processes:
        kill(process)
    yield {"pids": [process.pid for process in processes]}


@add("F4", "engine-stopped", expected="fenced: what it writes after its lease is refused", seconds=(17.0, 22.0))
def engine_stopped(lab: Lab, chance: random.Random) -> Iterator[Details]:
    process = some(lab, "engine", chance)
    process.suspend()
    yield {"pid": process.pid}
    if process.is_running():
        process.resume()


@add("F5", "beat-killed", expected="nothing waits for it", seconds=(0.0, 4.0), shapes=("site",))
def beat_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    process = some(lab, "beat", chance)
    kill(process)
    yield {"pid": process.pid}


@add("F38", "all-killed", expected="as after a power cut: nothing lost, nothing doubled", seconds=(0.0, 2.0))
def everything_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    processes = lab.site.processes()
    for process in processes:
        kill(process)
    yield {"pids": len(processes)}


@add("F37", "terminated", expected="every process ends within 10 s and no job is touched", seconds=(0.0, 10.0))
def terminated(lab: Lab, chance: random.Random) -> Iterator[Details]:
    doomed = lab.site.processes("launcher") or [
        p for kind in ("web", "engine", "beat") for p in lab.site.processes(kind)
    ]
    for process in doomed:
        process.send_signal(signal.SIGTERM)
    _gone, left = psutil.wait_procs(doomed, timeout=10)
    yield {"left_after_10_seconds": len(left)}
    for process in left:
        kill(process)
