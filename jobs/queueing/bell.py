"""The doorbell: asks the engines to look at the rows. Carries no news of its own.

A lost ring costs at most one tick, so a broker that is down never fails a committed change.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import Protocol

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

DISPATCH = "jobs.dispatch"
ATTEND = "jobs.attend"
DELIVER = "jobs.deliver"
SILENCE_SECONDS = 5.0
BREATH_SECONDS = 0.02
LONGEST_BREATH_SECONDS = 0.08
BREATH_GROWTH = 1.5
POST_BREATH_SECONDS = 1.0


class Line(Protocol):
    """What carries a ring."""

    def send(self, name: str, *, args: tuple[object, ...] = (), queue: str | None = None) -> None: ...


class _Line:
    """Remembers for a while that the broker did not answer, so submitters do not wait for it again."""

    def __init__(self) -> None:
        self._silent_until = 0.0
        self._lock = threading.Lock()

    def send(self, name: str, *, args: tuple[object, ...] = (), queue: str | None = None) -> None:
        if time.monotonic() < self._silent_until:
            return
        try:
            current_app.send_task(name, args=args, queue=queue, ignore_result=True, expires=60, retry=False)
        except (OperationalError, OSError) as problem:
            with self._lock:
                self._silent_until = time.monotonic() + SILENCE_SECONDS
            logger.warning("the broker does not answer (%s); engines will look by themselves", problem)


class Breaths:
    """When one is due who may act once in a breath. Breaths grow from shortest to longest while all are made use of."""

    def __init__(self, *, shortest_seconds: float, longest_seconds: float) -> None:
        self._shortest_seconds = shortest_seconds
        self._longest_seconds = longest_seconds
        self._seconds = shortest_seconds
        self._due_at = -math.inf

    def wait_seconds(self, at: float) -> float | None:
        """How long to wait from `at` with what is wanted now. None: somebody waits already, and serves this as well."""
        if at < self._due_at:
            return None
        over_at = self._due_at + self._seconds
        if at < over_at:
            self._due_at = over_at
            self._seconds = min(self._seconds * BREATH_GROWTH, self._longest_seconds)
            return over_at - at
        if at > over_at + self._seconds:
            self._seconds = self._shortest_seconds
        self._due_at = at
        return 0.0


class Bell:
    """Asks for passes of one kind: at once, and then once in a breath.

    A process that submits one job after another would else spend more on ringing than on jobs, and so would the
    engine on being rung and on passes that start one job each. What is committed during a breath is asked for at
    its end.
    """

    def __init__(self, line: Line, *, name: str = DISPATCH, breaths: Breaths | None = None) -> None:
        self._line = line
        self._name = name
        self._breaths = breaths or Breaths(shortest_seconds=BREATH_SECONDS, longest_seconds=LONGEST_BREATH_SECONDS)
        self._lock = threading.Lock()

    def ring(self) -> None:
        with self._lock:
            wait_seconds = self._breaths.wait_seconds(time.monotonic())
        if wait_seconds == 0:
            self._line.send(self._name)
        elif wait_seconds is not None:
            threading.Timer(wait_seconds, self._line.send, args=[self._name]).start()


_line = _Line()
_bell = Bell(_line)
_post_bell = Bell(
    _line, name=DELIVER, breaths=Breaths(shortest_seconds=POST_BREATH_SECONDS, longest_seconds=POST_BREATH_SECONDS)
)


def ring() -> None:
    """Ask for a dispatcher pass once the current transaction commits."""
    transaction.on_commit(_bell.ring, robust=True)


def ring_post() -> None:
    """Ask for notices to be sent once the current transaction commits."""
    transaction.on_commit(_post_bell.ring, robust=True)


def ring_host(host_id: int) -> None:
    """Ask for a look at a host's attempts once the current transaction commits."""
    transaction.on_commit(lambda: _line.send(ATTEND, args=(host_id,)), robust=True)


def ring_owner(host_id: int, *, owner: str) -> None:
    """Pass a ring on to the engine that owns the host, by the Celery queue that only it reads."""
    _line.send(ATTEND, args=(host_id,), queue=engine_queue(owner))


def engine_queue(owner: str) -> str:
    """The Celery queue of one engine."""
    return f"engine.{owner}"
