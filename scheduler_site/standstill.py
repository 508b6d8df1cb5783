"""Ends a process in which a thread stands still, so that whoever keeps it running starts another.

A thread that begins while there is no memory for it can die before it says that it has begun; whoever started it waits
for that word for ever (`threading.Thread.start`), and with him all who wait for his locks. Nothing within the process
can free them, so that is looked for by itself and found within seconds; for all else there is more patience. Nothing is
lost with the process: what runs on hosts goes on, and what is to be done stands in the database.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 120.0
# To begin takes a thread less than a thousandth of this, on a busy machine too.
BEGIN_SECONDS: Final = 10.0
BEGINS: Final = threading.Thread.start.__code__
# EX_SOFTWARE of sysexits.h.
EXIT_STATUS: Final = 70


class Pulse:
    """Shows that one thread goes on: it beats before whatever may take long."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.beats = 0
        self.patience_seconds = PATIENCE_SECONDS

    def beat(self, *, busy_seconds: float = 0.0) -> None:
        """Going on; what comes now may take so long, and a time that is far too long for anything else."""
        self.patience_seconds = PATIENCE_SECONDS + busy_seconds
        self.beats += 1


def end_at_once() -> None:
    """End this process, saying what its threads were at. It cannot be asked: who would have to answer stands still."""
    faulthandler.dump_traceback(sys.stderr, all_threads=True)
    os._exit(EXIT_STATUS)


class Watch:
    """Looks at pulses from a thread of its own, and ends the process once one has stopped.

    It counts its own looks, not time: a process that was stopped as a whole has not stood still.
    """

    def __init__(self, *, end: Callable[[], None] = end_at_once) -> None:
        self._end = end
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._pulses: dict[Pulse, tuple[int, int]] = {}
        self._beginnings: dict[tuple[int, int], int] = {}

    def start(self) -> None:
        threading.Thread(target=self._keep_looking, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def pulse(self, name: str) -> Pulse:
        """A pulse that is looked at from now on, until `forget`."""
        pulse = Pulse(name)
        with self._lock:
            self._pulses[pulse] = (0, 0)
        return pulse

    def forget(self, pulse: Pulse) -> None:
        with self._lock:
            self._pulses.pop(pulse, None)

    def look(self) -> None:
        """Count a look at everything; end the process if something has been the same for too many."""
        if problems := [*self._still(), *self._never_begun()]:
            for problem in problems:
                logger.critical("%s; this process ends, and is to be started again", problem)
            self._end()

    def _still(self) -> list[str]:
        with self._lock:
            for pulse, (beats, looks) in self._pulses.items():
                self._pulses[pulse] = (beats, looks + 1) if pulse.beats == beats else (pulse.beats, 0)
            still = [
                pulse for pulse, (_, looks) in self._pulses.items() if looks * LOOK_SECONDS > pulse.patience_seconds
            ]
        return [f"{pulse.name} stands still" for pulse in still]

    def _never_begun(self) -> list[str]:
        waiting = {(ident, id(frame)) for ident, frame in _beginnings()}
        self._beginnings = {one: self._beginnings.get(one, -1) + 1 for one in waiting}
        late = any(looks * LOOK_SECONDS >= BEGIN_SECONDS for looks in self._beginnings.values())
        return ["a thread was started and never begins"] if late else []

    def _keep_looking(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look()


def _beginnings() -> Iterator[tuple[int, FrameType]]:
    """Who waits at this moment for a thread to begin."""
    for ident, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost
        while frame is not None:
            if frame.f_code is BEGINS:
                yield ident, frame
            frame = frame.f_back
