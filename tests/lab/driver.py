"""Breaks things one after the other under load, heals each, and waits until work goes on."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final

from tests.lab import dump
from tests.lab.fault import Details, Fault
from tests.lab.load import Load
from tests.lab.records import Ledger
from tests.lab.yard import Lab

logger = logging.getLogger("lab")

GIVE_UP_SECONDS: Final = 180.0
BUSY: Final = 8
BUSY_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 150.0


class Driver:
    """One run: its seed decides which faults, where and for how long."""

    def __init__(
        self,
        lab: Lab,
        faults: Sequence[Fault],
        *,
        seed: int,
        count: int,
        hold: float | None = None,
        has_windows: bool = True,
    ) -> None:
        self._lab = lab
        self._faults = faults
        self._chance = random.Random(seed)
        self._count = count
        self._hold = hold
        self._load = Load(lab, seed=seed, has_windows=has_windows)
        self._pause = threading.Event()
        self._n = 0
        Ledger(lab.directory / "plan.jsonl").write(seed=seed, faults=[fault.code for fault in faults], count=count)

    def run(self) -> None:
        """Everything, and then quiet. What was broken is healed even if the run is broken off."""
        self._load.start()
        try:
            for fault in self._sequence():
                self._wait_until_busy()
                self._break(fault)
        finally:
            self._load.stop()
        is_quiet = dump.wait_for_quiet(self._lab, seconds=QUIET_SECONDS)
        logger.info("%s; reading what was kept", "everything has ended" if is_quiet else "NOT everything has ended")
        dump.write(self._lab)

    def _sequence(self) -> Iterator[Fault]:
        """Each fault in a shuffled order, again and again, `count` in all."""
        left: list[Fault] = []
        for _ in range(self._count):
            if not left:
                left = list(self._faults)
                self._chance.shuffle(left)
            yield left.pop()

    def _wait_until_busy(self) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        while self._lab.logs.running() < BUSY and time.monotonic() < deadline:
            self._pause.wait(0.1)

    def _break(self, fault: Fault) -> None:
        self._n += 1
        seconds = self._hold if self._hold is not None else self._chance.uniform(*fault.seconds)
        running = self._lab.logs.running()
        at = time.time()
        steps = fault.inject(self._lab, self._chance)
        details: Details = {}
        try:
            details = next(steps)
            self._pause.wait(seconds)
        finally:
            next(steps, None)
        healed_at = time.time()
        recovered = self._recovery_seconds(healed_at, host=str(details.get("host", "")))
        load = round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)
        wrong = details.pop("wrong", [])
        self._lab.faults.write(
            n=self._n, code=fault.code, at=at, healed_at=healed_at, held_seconds=round(seconds, 2), running=running,
            recovered_seconds=recovered, load=load, details=details, wrong=wrong,
        )  # fmt: skip
        for one in wrong:
            logger.error("    WRONG: %s", one)
        told = "never" if recovered is None else f"{recovered:.1f} s"
        logger.info(
            "%3d %-26s %5.1f s %s running %d, went on after %s", self._n, fault.code, seconds, details, running, told
        )

    def _recovery_seconds(self, healed_at: float, *, host: str) -> float | None:
        """How long after the end of a fault something began where it had struck. None: not in reasonable time."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            if self._lab.logs.started_since(healed_at, host=host):
                return round(time.time() - healed_at, 2)
            self._pause.wait(0.05)
        return None
