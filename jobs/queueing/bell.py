"""The doorbell: asks the engines to look at the rows. Carries no news of its own.

A lost ring costs at most one tick, so a broker that is down never fails a committed change.
"""

from __future__ import annotations

import logging
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


class Bell:
    """Asks for passes of one kind: at once, and then no more often than every `breath_seconds`.

    A process that submits one job after another would else spend more on ringing than on jobs, and so would the
    engine on being rung. What is committed during a breath is asked for at its end.
    """

    def __init__(self, line: Line, *, name: str = DISPATCH, breath_seconds: float = BREATH_SECONDS) -> None:
        self._line = line
        self._name = name
        self._breath_seconds = breath_seconds
        self._lock = threading.Lock()
        self._free_at = 0.0

    def ring(self) -> None:
        at = time.monotonic()
        with self._lock:
            if at < self._free_at - self._breath_seconds:
                return  # the ring at the end of this breath is yet to come
            wait_seconds = self._free_at - at
            self._free_at = max(at, self._free_at) + self._breath_seconds
        if wait_seconds <= 0:
            self._line.send(self._name)
        else:
            threading.Timer(wait_seconds, self._line.send, args=[self._name]).start()


_line = _Line()
_bell = Bell(_line)
_post_bell = Bell(_line, name=DELIVER, breath_seconds=POST_BREATH_SECONDS)


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
