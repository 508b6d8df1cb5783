"""The dispatcher's pass: wake what is due, choose, claim. Safe to run anywhere, any number of times at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from jobs.dispatch import facts, plan
from jobs.dispatch.claim import Opened, claim
from jobs.models import Site
from jobs.queueing.autostart import autostart_once
from jobs.queueing.facts import Facts
from jobs.queueing.gates import lane_blockers
from jobs.queueing.waking import next_wake, wake_due

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What a pass did, and when the next known change is (None: nothing but events)."""

    started: list[Opened]
    next_at: datetime | None


def pass_once(*, at: datetime, clock_off: timedelta = timedelta(0)) -> Look:
    """Wake, autostart, dispatch: one bounded pass, by a clock that is so far ahead of the database's."""
    autostart_once(at=at)
    wake = next_wake()
    if wake is not None and wake <= at:
        wake_due(at=at)
        wake = next_wake()
    started, waiting_until = dispatch_once(at=at, clock_off=clock_off)
    moments = [moment for moment in (wake, waiting_until) if moment is not None]
    return Look(started, min(moments, default=None))


@transaction.atomic
def dispatch_once(*, at: datetime, clock_off: timedelta = timedelta(0)) -> tuple[list[Opened], datetime | None]:
    """Start every job that may start now. The attempts opened, and when a shut lane may open next.

    Dispatchers take turns on the site's row, so each sees what the one before has taken: limits
    hold under any number of them. The windows are asked with the same `at` that is claimed with.
    """
    site = Site.objects.select_for_update().filter(pk=1).first() or Site.get()
    snapshot = facts.load(is_paused=site.is_paused)
    snapshot.clock_off = clock_off
    if not snapshot.lanes:
        return [], None
    wanted = plan.open_lanes(snapshot, at)
    opening = _next_opening(snapshot, at)
    chosen = plan.make(snapshot, facts.heads(wanted), at=at)
    if not chosen.starts:
        return [], opening
    opened = claim(chosen.starts, at=at)
    logger.debug("opened %d attempts for %d chosen jobs", len(opened), len(chosen.starts))
    return opened, opening


def _next_opening(snapshot: Facts, at: datetime) -> datetime | None:
    return min(_moments(snapshot, at), default=None)


def _moments(snapshot: Facts, at: datetime) -> Iterable[datetime]:
    for lane in snapshot.lanes.values():
        for blocker in lane_blockers(lane, at):
            if blocker.until is not None:
                yield blocker.until
