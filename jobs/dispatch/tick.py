"""The dispatcher's pass: wake what is due, choose, claim. Safe to run anywhere, any number of times at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from jobs.dispatch import facts, plan
from jobs.dispatch.ahead import following
from jobs.dispatch.claim import Opened, claim
from jobs.models import Site
from jobs.queueing.autostart import autostart_once
from jobs.queueing.facts import Facts
from jobs.queueing.gates import lane_blockers
from jobs.queueing.waking import next_wake, wake_due
from scheduler_site.records import query

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


class TakingTurns(Exception):
    """Another dispatcher has its turn now."""


@transaction.atomic
def dispatch_once(
    *, at: datetime, clock_off: timedelta = timedelta(0), waits: bool = True, short: Sequence[int] = ()
) -> tuple[list[Opened], datetime | None]:
    """Start every job that may start now. The attempts opened, and when a shut lane may open next.

    Dispatchers take turns on the site's row, so each sees what the one before has taken: limits
    hold under any number of them. The windows are asked with the same `at` that is claimed with.
    `short` are open attempts of one host that will soon be over; some jobs may be handed to it to follow them.
    Raises TakingTurns if it is another's turn and this call is not to wait for its end.
    """
    snapshot = facts.load(is_paused=_take_turn(waits=waits))
    snapshot.clock_off = clock_off
    if not snapshot.lanes:
        return [], None
    wanted = plan.open_lanes(snapshot, at)
    opening = _next_opening(snapshot, at)
    ahead = following(snapshot, short, at=at)
    if ahead is not None:
        wanted[ahead.lane.id] = wanted.get(ahead.lane.id, 0) + len(ahead.attempts)
    heads = facts.heads(wanted)
    starts = plan.make(snapshot, heads, at=at).starts
    if ahead is not None:
        starts += ahead.starts(heads, taken=starts, at=at)
    if not starts:
        return [], opening
    opened = claim(starts, at=at)
    logger.debug("opened %d attempts for %d chosen jobs", len(opened), len(starts))
    return opened, opening


def _take_turn(*, waits: bool) -> bool:
    """Lock the site's row until the transaction ends. Whether the site is paused."""
    lock = ""
    if connection.features.has_select_for_update:
        lock = " FOR UPDATE" if waits else " FOR UPDATE SKIP LOCKED"
    rows = query(f"SELECT is_paused FROM {Site._meta.db_table} WHERE id = 1{lock}")  # noqa: S608
    if not rows and not waits:
        raise TakingTurns
    return bool(rows[0][0]) if rows else Site.get().is_paused


def _next_opening(snapshot: Facts, at: datetime) -> datetime | None:
    return min(_moments(snapshot, at), default=None)


def _moments(snapshot: Facts, at: datetime) -> Iterable[datetime]:
    for lane in snapshot.lanes.values():
        for blocker in lane_blockers(lane, at):
            if blocker.until is not None:
                yield blocker.until
