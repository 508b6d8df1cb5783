"""What is known about a host, written by the engine that owns it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from hosts.models import Host, HostState
from jobs.execution import ownership
from jobs.models import Attempt, NoticeKind, Phase
from jobs.queueing.outbox import note_host

logger = logging.getLogger(__name__)

# The longest leaves room for one connect that times out: a host that is back is noticed within 30 s.
BACKOFF_SECONDS: Final = (1, 2, 5, 10, 15, 20)
# People are told after so many failed contacts in a row: one lost connection is no news.
TOLD_AFTER: Final = 3


@transaction.atomic
def reached(grip: ownership.Grip, *, boot_id: str, at: datetime) -> None:
    """The host answers: it is on, and its runs are no longer out of sight."""
    ownership.check(grip)
    host = Host.objects.get(pk=grip.host)
    if host.state != HostState.ON or host.boot_id != boot_id:
        host.state, host.state_since, host.state_reason = HostState.ON, at, ""
    if host.failures >= TOLD_AFTER:
        note_host(host, NoticeKind.HOST_UP, at=at)
    host.boot_id, host.failures, host.retry_at = boot_id, 0, None
    host.save(update_fields=["state", "state_since", "state_reason", "boot_id", "failures", "retry_at"])
    unseen = Attempt.objects.filter(host_id=grip.host, finished_at=None, phase=Phase.UNREACHABLE)
    unseen.filter(started_at=None).update(phase=Phase.STARTING_HOST)
    unseen.filter(started_at__isnull=False).update(phase=Phase.RUNNING)


@transaction.atomic
def failed(grip: ownership.Grip, *, reason: str, at: datetime) -> timedelta:
    """The host does not answer. How long to wait before the next try.

    What was handed to it stays its own, `unreachable`, until it can be asked: a lost connection says
    nothing about a run.
    """
    ownership.check(grip)
    host = Host.objects.get(pk=grip.host)
    wait = timedelta(seconds=BACKOFF_SECONDS[min(host.failures, len(BACKOFF_SECONDS) - 1)])
    if host.state != HostState.UNREACHABLE:
        host.state, host.state_since = HostState.UNREACHABLE, at
    host.state_reason, host.failures, host.retry_at = reason[:500], host.failures + 1, at + wait
    host.save(update_fields=["state", "state_since", "state_reason", "failures", "retry_at"])
    if host.failures == TOLD_AFTER:
        # What commands of the host have said stays here: nobody knows what is in it.
        note_host(host, NoticeKind.HOST_DOWN, reason=reason.partition(": ")[0], at=at)
    handed_over = Attempt.objects.filter(host_id=grip.host, finished_at=None, script__isnull=False)
    handed_over.exclude(phase__in=[Phase.UNREACHABLE, Phase.PAUSED]).update(phase=Phase.UNREACHABLE)
    logger.warning("host %s: %s; next try in %s s", host.name, reason, wait.seconds)
    return wait
