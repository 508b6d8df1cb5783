"""Subscriptions, ends of jobs, and passes over the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from accounts import policy
from accounts.models import User
from jobs.models import Job, JobState, Notice, NoticeKind, Subscription
from jobs.notices.addresses import place_of
from jobs.notices.delivery import deliver_once
from jobs.notices.keeping import keep_address
from jobs.queueing.states import Move, move
from tests.builders import MONDAY_NOON, make_user

LATER = MONDAY_NOON + timedelta(hours=1)


def subscribe(
    *kinds: str, url: str = "json://127.0.0.1:1/hook", owner: User | None = None, **fields: Any
) -> Subscription:
    """A subscription; of its owner, who may do everything, unless said otherwise."""
    if owner is None:
        owner = make_user("alice")
        User.objects.filter(pk=owner.pk).update(is_superuser=True)
    told = {NoticeKind(kind).column: True for kind in kinds} | {"only_own": False, "created_at": MONDAY_NOON}
    if "late" in kinds:
        told.setdefault("late_after_seconds", 600)
    row = Subscription.objects.create(owner=owner, name="mine", place=place_of(url), **{**told, **fields})
    keep_address(row, url)
    return row


def end(job: Job, state: JobState, *, reason: str = "", at: datetime = LATER) -> None:
    """Let the job begin and end."""
    assert move(job, Move(job=job.pk, was=JobState.READY, to=JobState.RUNNING, started_at=at), at=at)
    assert move(job, Move(job=job.pk, was=JobState.RUNNING, to=state, reason=reason), at=at)


def told() -> list[tuple[str, int]]:
    """Kind and thing of each notice, in order."""
    return list(Notice.objects.order_by("id").values_list("kind", "thing"))


def deliver(at: datetime = LATER) -> int:
    return deliver_once(at=at, still_seen=policy.still_seen)
