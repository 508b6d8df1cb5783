"""One bounded pass over the outbox: claim what is due, send it, write down what became of it.

Every notice is sent at least once: a pass that dies between sending and writing leaves its claim behind, and after
`LEASE` another tries again. Never twice at a time: only whose mark stands in the row may write about it.
"""

from __future__ import annotations

import itertools
import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet

from jobs.models import Delivery, Job, Notice, NoticeKind
from jobs.models.subscription import OF_HOSTS, OF_JOBS
from jobs.notices.keeping import address_of
from jobs.notices.sending import SEND_SECONDS, Answer, Letter, send
from jobs.notices.words import body_of, title_of
from jobs.queueing.bell import ring_post

logger = logging.getLogger(__name__)

# A letter has all that one subscription is to be told now, so that a thousand failures are not a thousand letters.
MOST_LETTERS: Final = 16
MOST_NOTICES: Final = 50
LEASE: Final = timedelta(seconds=SEND_SECONDS + 15)
# Before each further try. After the last one people are asked to look.
PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 900, 3600, 3 * 3600, 6 * 3600)
)  # fmt: skip
KEPT: Final = timedelta(days=30)
UNANSWERED: Final = "The service has not answered in time."

# A user's id, the model of a thing, and the thing's id.
Sight = tuple[int, str, int]
Seen = Callable[[Collection[Sight]], Collection[Sight]]


def deliver_once(*, at: datetime, still_seen: Seen) -> int:
    """Send what is due, at most so much. How many letters went out: as many as possible means that more may be due.

    `still_seen` picks from who would be told of what those who may see it.
    """
    letters = _claimed(at)
    allowed = still_seen({_sight(notice) for notices in letters.values() for notice in notices})
    for key, notices in list(letters.items()):
        letters[key] = [notice for notice in notices if _sight(notice) in allowed]
        _drop(notice for notice in notices if _sight(notice) not in allowed)
    written = {key: notices for key, notices in letters.items() if notices}
    _send(written, at=at)
    return len(letters)


def _claimed(at: datetime) -> dict[int, list[Notice]]:
    """What is due, by subscription, marked as ours: those first that have waited longest."""
    due = Notice.objects.filter(delivery=Delivery.WAITING, next_at__lte=at, subscription__enabled=True)
    first = due.order_by().values("subscription").annotate(first=Min("next_at")).order_by("first", "subscription")
    chosen = [row["subscription"] for row in first[:MOST_LETTERS]]
    if not chosen:
        return {}
    mark = uuid.uuid4().hex
    ids = [pk for one in chosen for pk in _ids(due.filter(subscription=one))]
    with transaction.atomic():
        # Compare and set: of two passes the second finds that it is not due any more.
        mine = Notice.objects.filter(pk__in=ids, delivery=Delivery.WAITING, next_at__lte=at)
        mine.update(claim=mark, tries=F("tries") + 1, next_at=at + LEASE)
    rows = Notice.objects.filter(claim=mark).select_related("subscription").order_by("subscription_id", "id")
    return {key: list(group) for key, group in itertools.groupby(rows, key=lambda notice: notice.subscription_id)}


def _ids(due: QuerySet[Notice]) -> list[int]:
    return list(due.order_by("id").values_list("pk", flat=True)[:MOST_NOTICES])


def _sight(notice: Notice) -> Sight:
    return notice.subscription.owner_id, _model(notice.kind), notice.thing


def _model(kind: str) -> str:
    return "jobs.job" if kind in OF_JOBS else "hosts.host" if kind in OF_HOSTS else "jobs.queue"


def _drop(notices: Iterable[Notice]) -> None:
    """Forget what its subscriber may not see (any more)."""
    for notice in notices:
        Notice.objects.filter(pk=notice.pk, claim=notice.claim).delete()


def _send(letters: Mapping[int, Sequence[Notice]], *, at: datetime) -> None:
    if not letters:
        return
    left = dict(letters)
    written = [
        Letter(key, address_of(notices[0].subscription), title_of(notices), body_of(notices))
        for key, notices in letters.items()
    ]
    for answer in send(written):
        _write_down(left.pop(answer.id), answer, at=at)
    for key, notices in left.items():
        _write_down(notices, Answer(key, UNANSWERED, is_final=False), at=at)


def _write_down(notices: Sequence[Notice], answer: Answer, *, at: datetime) -> None:
    """What became of a letter, for each notice in it that is still ours."""
    for tries, group in itertools.groupby(sorted(notices, key=lambda one: one.tries), key=lambda one: one.tries):
        rows = list(group)
        mine = Notice.objects.filter(pk__in=[row.pk for row in rows], claim=rows[0].claim)
        if not answer.problem:
            mine.update(delivery=Delivery.SENT, next_at=None, ended_at=at, error="", claim="")
        elif answer.is_final or tries > len(PAUSES):
            mine.update(delivery=Delivery.DEAD, next_at=None, ended_at=at, error=answer.problem, claim="")
            logger.warning("subscription %s: %s notices are given up: %s", answer.id, len(rows), answer.problem)
        else:
            mine.update(next_at=at + PAUSES[tries - 1], error=answer.problem, claim="")


def send_again(notices: QuerySet[Notice], *, at: datetime) -> int:
    """Let those of `notices` that were given up be tried once more, from the beginning. How many there were of them."""
    again = notices.filter(delivery=Delivery.DEAD)
    count = again.update(delivery=Delivery.WAITING, tries=0, next_at=at, ended_at=None)
    ring_post()
    return count


def forget_once(*, at: datetime) -> int:
    """Remove what has ended long ago; what tells of a job that is still late stays, or it would be told anew."""
    waiting = Job.objects.filter(pk=OuterRef("thing"), finished_at=None, tries=0)
    old = Notice.objects.filter(ended_at__lt=at - KEPT)
    removed, _by_model = old.exclude(Q(kind=NoticeKind.LATE) & Exists(waiting)).delete()
    return removed
