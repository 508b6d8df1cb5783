"""Celery's doors. Each rings a bell or runs one bounded pass; none lives as long as a job."""

from __future__ import annotations

import threading
from typing import Final

from celery import shared_task

from accounts import policy
from jobs.config.retention import prune_for_a_while
from jobs.execution.bootstep import conductor
from jobs.execution.clock import now
from jobs.measures import sampling
from jobs.notices.delivery import MOST_LETTERS, deliver_once, forget_once
from jobs.notices.lateness import note_late_once
from jobs.queueing import bell

# Of an engine's few threads one at most sends: a service that does not answer holds it for a while.
_sending: Final = threading.Lock()


@shared_task(name=bell.DISPATCH, ignore_result=True)
def dispatch() -> None:
    """Something may start: the engine that gets this looks."""
    conductor().dispatch()


@shared_task(name=bell.ATTEND, ignore_result=True)
def attend(host_id: int) -> None:
    """There is something new about a host."""
    conductor().attend(host_id)


@shared_task(name="jobs.tick", ignore_result=True)
def tick() -> None:
    """Beat's heartbeat: as if somebody had rung, should a ring be lost."""
    conductor().dispatch()


@shared_task(name=bell.DELIVER, ignore_result=True)
def deliver() -> None:
    """There is something to be sent to people: one pass, and another if that may not have been all."""
    if not _sending.acquire(blocking=False):
        return
    try:
        sent = deliver_once(at=now(), still_seen=policy.still_seen)
    finally:
        _sending.release()
    if sent >= MOST_LETTERS:
        bell.ring_post()


@shared_task(name="jobs.minute", ignore_result=True)
def minute() -> None:
    """What is looked at once a minute."""
    note_late_once(at=now())
    forget_once(at=now())
    sampling.sample_once(at=now())
    sampling.forget_once(at=now())


@shared_task(name="jobs.prune", ignore_result=True)
def prune() -> None:
    """Remove what is too old, for some seconds."""
    prune_for_a_while(at=now())
