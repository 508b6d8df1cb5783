from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from jobs.queueing import bell

WAIT_SECONDS = 10


class Heard:
    """Notes when it is rung."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.changed = threading.Condition()

    def send(self, name: str, *, args: tuple[object, ...] = (), queue: str | None = None) -> None:
        assert name == bell.DISPATCH
        with self.changed:
            self.at.append(time.monotonic())
            self.changed.notify_all()

    def wait_after(self, moment: float) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: bool(self.at) and self.at[-1] >= moment, WAIT_SECONDS)


def test_a_single_ring_is_heard_at_once() -> None:
    heard = Heard()

    bell.Bell(heard).ring()

    assert len(heard.at) == 1


def test_of_many_rings_the_last_is_heard_and_few_between() -> None:
    heard = Heard()
    rung = bell.Bell(heard)

    begin = time.monotonic()
    for _ in range(1000):
        rung.ring()
    last = time.monotonic()

    assert heard.wait_after(last)
    assert len(heard.at) <= 3 + (heard.at[-1] - begin) / bell.BREATH_SECONDS


def test_who_goes_on_ringing_gets_longer_breaths() -> None:
    breaths = bell.Breaths(shortest_seconds=0.02, longest_seconds=0.08)

    due = [at + wait for at in (ms / 1000 for ms in range(1000)) if (wait := breaths.wait_seconds(at)) is not None]

    gaps = [round(late - early, 3) for early, late in pairwise(due)]
    assert gaps[:5] == [0.02, 0.03, 0.045, 0.068, 0.08]
    assert set(gaps[5:]) == {0.08}


def test_who_rings_after_a_pause_is_heard_at_once_and_soon_again() -> None:
    breaths = bell.Breaths(shortest_seconds=0.02, longest_seconds=0.08)
    for ms in range(1000):
        breaths.wait_seconds(ms / 1000)

    assert [breaths.wait_seconds(at) for at in (2.0, 2.001, 2.002)] == [0.0, pytest.approx(0.019), None]


def test_no_ring_falls_between_two_threads() -> None:
    heard = Heard()
    rung = bell.Bell(heard)
    lasts: list[float] = []

    def ring_often() -> None:
        for _ in range(300):
            rung.ring()
            lasts.append(time.monotonic())

    threads = [threading.Thread(target=ring_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rung.ring()
    assert heard.wait_after(max(lasts))
