"""Work happens in a thread; what comes of it is taken by whoever pumps."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from batchyard_blender.failures import Failure
from batchyard_blender.work import Tell, Work


def ended(work: Work) -> Work:
    assert work.wait(10), "not ended"
    assert work.pump() is False
    return work


def test_the_result_is_taken_in_the_thread_that_pumps() -> None:
    work, came = Work(), list[threading.Thread]()

    def keep(at_work: threading.Thread) -> None:
        came.extend([at_work, threading.current_thread()])

    work.start("Working", lambda tell: threading.current_thread(), then=keep)
    ended(work)

    [at_work, after] = came
    assert at_work is not threading.main_thread()
    assert after is threading.main_thread()


def test_one_thing_is_done_at_a_time() -> None:
    work, gate = Work(), threading.Event()

    assert work.start("First", lambda tell: gate.wait(10), then=bool)
    assert not work.start("Second", lambda tell: None, then=bool)
    assert (work.pump(), work.doing) == (True, "First")

    gate.set()
    ended(work)
    assert work.start("Third", lambda tell: None, then=bool)


def test_it_tells_how_far_it_is() -> None:
    work, gate, told = Work(), threading.Event(), threading.Event()

    def call(tell: Tell) -> None:
        tell("Half")
        told.set()
        gate.wait(10)

    work.start("Working", call, then=bool)
    assert told.wait(10)
    assert work.doing == "Half"
    gate.set()
    ended(work)


def refuse(*given: Any) -> None:
    raise Failure("No.", hint="Yes.")


@pytest.mark.parametrize("call", [refuse, str], ids=["in the thread", "afterwards"])
def test_a_failure_is_kept_until_the_next_start(call: Any) -> None:
    work = Work()

    work.start("Working", call, then=refuse)

    assert str(ended(work).failure) == "No. Yes."
    work.start("Working", str, then=bool)
    assert ended(work).failure is None


def test_a_fault_of_the_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    work, shown = Work(), threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda told: shown.set())

    work.start("Working", lambda tell: 1 // 0, then=bool)

    assert "The add-on itself has failed. Blender's console tells how." in str(ended(work).failure)
    assert shown.wait(10)
