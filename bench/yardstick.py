"""R1, the yardstick of this machine: how many processes two threads start and reap in a second."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low
from typing import Final

from bench.rows import Figures, Plan

THREADS: Final = 2
RUNS: Final = 2_000
QUICK_RUNS: Final = 1_000
# On a machine that others share one of them meets a bad moment.
ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Rated:
    """What came of some rounds: a second, and R1 before the first and after each. Told as the round in the middle."""

    rates: Sequence[float]
    yardsticks: Sequence[float]

    @property
    def rate(self) -> float:
        """That of the round with the median ratio."""
        return self._middle[1]

    @property
    def ratio(self) -> float:
        """The median of the rates divided by the mean of R1 around each."""
        return self._middle[0]

    @property
    def _middle(self) -> tuple[float, float]:
        around = [(before + after) / 2 for before, after in pairwise(self.yardsticks)]
        return median_low((rate / r1, rate) for rate, r1 in zip(self.rates, around, strict=True))

    @property
    def figures(self) -> Figures:
        return {"rates": list(self.rates), "r1": list(self.yardsticks)}


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


def rated(plan: Plan, work: Callable[[], float]) -> Rated:
    """What `work` tells, several times, and the yardstick around each."""
    runs = plan.count(RUNS, quick=QUICK_RUNS)
    rates, yardsticks = list[float](), [runs_per_second(runs)]
    for _ in range(plan.count(ROUNDS, quick=1)):
        rates.append(work())
        yardsticks.append(runs_per_second(runs))
    return Rated(rates, yardsticks)
