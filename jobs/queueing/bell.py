"""The doorbell: asks the engines to look at the rows. Carries no news of its own.

A lost ring costs at most one tick, so a broker that is down never fails a committed change.
"""

from __future__ import annotations

import logging
import threading
import time

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

DISPATCH = "jobs.dispatch"
ATTEND = "jobs.attend"
SILENCE_SECONDS = 5.0


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


_line = _Line()


def ring() -> None:
    """Ask for a dispatcher pass once the current transaction commits."""
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    _line.send(DISPATCH)


def ring_host(host_id: int) -> None:
    """Ask for a look at a host's attempts once the current transaction commits."""
    transaction.on_commit(lambda: _line.send(ATTEND, args=(host_id,)), robust=True)


def ring_owner(host_id: int, *, owner: str) -> None:
    """Pass a ring on to the engine that owns the host, by the Celery queue that only it reads."""
    _line.send(ATTEND, args=(host_id,), queue=engine_queue(owner))


def engine_queue(owner: str) -> str:
    """The Celery queue of one engine."""
    return f"engine.{owner}"
