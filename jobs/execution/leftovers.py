"""Attempts that are given up while their host cannot be asked, and what still runs of them when it can."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from hosts.models import Host
from hosts.supervisor.records import RunState
from jobs.execution import ownership, runs
from jobs.execution.collect import sealed
from jobs.execution.finish import Final as Closing
from jobs.execution.finish import finish_many
from jobs.execution.ownership import Grip
from jobs.execution.post import Post
from jobs.execution.store import OutputStore
from jobs.models import Attempt, Outcome, Phase
from jobs.outcomes import Ending, lost

logger = logging.getLogger(__name__)

DEATHS_LIMIT: Final = 3
GRACE: Final = timedelta(seconds=10)
MAY_RUN: Final = frozenset({RunState.RUNNING, RunState.SUPERVISOR_DIED, RunState.CLAIMED})
# Without a record nobody knows whether the command lives.
RECORDLESS: Final = frozenset({RunState.ABSENT, RunState.GARBLED})


def give_up(grip: Grip, *, store: OutputStore, at: datetime) -> int:
    """Close as lost what has been out of sight for longer than its owner waits (the type's lost_after). How many.

    Whether it still runs is not known: it is marked unconfirmed, and ended once its host can be asked.
    """
    since = Host.objects.values_list("state_since", flat=True).get(pk=grip.host)
    if since is None:
        return 0
    out_of_sight = Attempt.objects.filter(host_id=grip.host, finished_at=None, script__isnull=False)
    patience = (at - since).total_seconds()
    late = out_of_sight.filter(job__type__lost_after_seconds__lte=patience).values_list("pk", flat=True)
    finals = [
        Closing(
            attempt=run.attempt, job=run.job, number=run.number, started_at=run.started_at, finished_at=at,
            ending=lost(f"Its host has not been reached for {patience:.0f} s, longer than its type's lost_after."),
            failures=run.failures, rule=run.rule, is_unconfirmed=True, outputs=sealed(store, run, at=at),
        )
        for run in runs.load(list(late))
    ]  # fmt: skip
    return len(finish_many(finals, grip=grip, at=at)) if finals else 0


def end_leftovers(post: Post) -> None:
    """End what was given up and runs on; what is seen to be gone is unconfirmed no more."""
    given_up = Attempt.objects.filter(host_id=post.grip.host, is_unconfirmed=True, outcome=Outcome.LOST)
    markers = list(given_up.values_list("marker", flat=True))
    if not markers:
        return
    looks = post.line.supervisor.look(markers)
    alive = [marker for marker in markers if looks[marker].state in MAY_RUN]
    if alive:
        logger.warning("host %s: ending %d runs that were given up while it was away", post.host.name, len(alive))
        post.line.supervisor.kill(alive, grace=GRACE)
    if recordless := [marker for marker in markers if looks[marker].state in RECORDLESS]:
        post.line.supervisor.kill(recordless, grace=None)
    with transaction.atomic():
        ownership.check(post.grip)
        given_up.exclude(marker__in=alive).update(is_unconfirmed=False)


@transaction.atomic
def count_death(grip: Grip) -> None:
    """The engine before us ended without giving the host up: what it had in hand and had not begun may be why."""
    ownership.check(grip)
    in_hand = Attempt.objects.filter(host_id=grip.host, finished_at=None, started_at=None)
    in_hand.filter(phase__in=[Phase.STARTING_HOST, Phase.STAGING_IN]).update(deaths=F("deaths") + 1)


def too_deadly() -> Ending:
    """The end of an attempt that as many engines have died of as are risked."""
    told = f"{DEATHS_LIMIT} engines ended while they were starting it. Look at their logs before you retry it."
    return Ending("stage_failed", reason=told)
