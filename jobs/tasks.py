"""Celery's doors. Each rings a bell or runs one bounded pass; none lives as long as a job."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from jobs.config.retention import prune_for_a_while
from jobs.execution.bootstep import conductor
from jobs.queueing import bell


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


@shared_task(name="jobs.prune", ignore_result=True)
def prune() -> None:
    """Remove what is too old, for some seconds."""
    prune_for_a_while(at=timezone.now())
