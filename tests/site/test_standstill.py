"""A process in which a thread stands still ends, so that another takes its place."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from scheduler_site.standstill import EXIT_STATUS, LOOK_SECONDS, PATIENCE_SECONDS, Watch
from tests.scenarios.site import ROOT

PATIENT_LOOKS = int(PATIENCE_SECONDS / LOOK_SECONDS)
# A thread that dies before it has begun, as one without memory does: who starts it waits for ever.
STUCK = """
import threading
from scheduler_site import standstill
standstill.LOOK_SECONDS, standstill.BEGIN_SECONDS = 0.05, 0.2
standstill.Watch().start()
lost = threading.Thread(target=print)
lost._bootstrap = lambda: None
lost.start()
"""


@pytest.fixture
def ends() -> list[str]:
    return []


@pytest.fixture
def watch(ends: list[str]) -> Watch:
    return Watch(end=lambda: ends.append("ended"))


def look(watch: Watch, *, times: int) -> None:
    for _ in range(times):
        watch.look()


def test_what_stands_still_for_too_long_ends_the_process(watch: Watch, ends: list[str]) -> None:
    still = watch.pulse("the one that does not")
    look(watch, times=PATIENT_LOOKS)
    assert ends == []

    still.beat()
    look(watch, times=PATIENT_LOOKS)
    assert ends == []

    look(watch, times=2)
    assert ends


def test_what_beats_between_the_looks_goes_on(watch: Watch, ends: list[str]) -> None:
    pulse = watch.pulse("the dispatcher")

    for _ in range(4 * PATIENT_LOOKS):
        pulse.beat()
        watch.look()

    assert ends == []


def test_what_said_how_long_it_takes_has_that_time(watch: Watch, ends: list[str]) -> None:
    watch.pulse("the session of a host that prepares").beat(busy_seconds=300)

    look(watch, times=PATIENT_LOOKS + int(300 / LOOK_SECONDS))
    assert ends == []

    look(watch, times=2)
    assert ends


def test_what_is_over_is_not_missed(watch: Watch, ends: list[str]) -> None:
    watch.forget(watch.pulse("the session of a host that was given up"))

    look(watch, times=4 * PATIENT_LOOKS)

    assert ends == []


def test_a_process_that_waits_for_a_thread_without_memory_ends_and_says_where_it_stood() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == EXIT_STATUS
    assert "a thread was started and never begins" in done.stderr
    assert "in start" in done.stderr


def test_a_thread_that_begins_late_is_waited_for(watch: Watch, ends: list[str]) -> None:
    slow, may_begin = threading.Thread(target=print), threading.Event()
    begin = slow._bootstrap  # type: ignore[attr-defined]
    slow._bootstrap = lambda: (may_begin.wait(20), begin())  # type: ignore[attr-defined]
    starter = threading.Thread(target=slow.start)
    starter.start()

    look(watch, times=2)
    may_begin.set()
    starter.join(20)
    look(watch, times=4)

    assert ends == []
