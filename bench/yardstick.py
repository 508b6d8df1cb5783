"""R1, the yardstick of this machine: how many processes two threads start and reap in a second."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from bench.rows import Figures, Plan

THREADS: Final = 2
RUNS: Final = 2_000
QUICK_RUNS: Final = 1_000

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Yardstick:
    """R1 before and after something, in runs per second."""

    before: float
    after: float

    @property
    def mean(self) -> float:
        return (self.before + self.after) / 2

    @property
    def figures(self) -> Figures:
        return {"r1_before": self.before, "r1_after": self.after}


def runs_per_second(runs: int) -> float:
    """R1, from so many runs of /bin/true."""
    threads = [threading.Thread(target=_run, args=(runs // THREADS,)) for _ in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return runs / (time.monotonic() - began)


def _run(runs: int) -> None:
    for _ in range(runs):
        subprocess.run(["/bin/true"], check=True)


def measured(plan: Plan, work: Callable[[], Result]) -> tuple[Result, Yardstick]:
    """What `work` gives, and the yardstick around it."""
    runs = plan.count(RUNS, quick=QUICK_RUNS)
    before = runs_per_second(runs)
    result = work()
    return result, Yardstick(before, runs_per_second(runs))
