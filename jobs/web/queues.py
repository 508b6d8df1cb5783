"""Queues: what is open, what waits and why, and switching them on and off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from accounts.models import User
from jobs.config.definitions import define_queue
from jobs.dispatch.explain import reasons
from jobs.models import Attempt, Job, JobState, Queue
from jobs.queueing.control import WAITING
from jobs.queueing.timetables import timetable_of
from jobs.timing.windows import is_open, next_change
from jobs.timing.wording import describe
from jobs.web.live import answer, person
from jobs.web.moving import MOVES, after_of
from jobs.web.rows import JobRow, rows_of

SHOWN_WAITING: Final = 100
SHOWN_RUNNING: Final = 50

Counts = Mapping[tuple[int, str], int]


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue as a page tells it. `gate`: open, closed or disabled; `changes_at`: when its window does next."""

    queue: Queue
    gate: str
    changes_at: datetime | None
    rule: str
    waiting: int
    running: int
    may_change: bool


def view_of(queue: Queue, counts: Counts, *, user: User, at: datetime) -> QueueView:
    """`queue` at `at`, as `user` sees it; its schedule's windows and exceptions have been prefetched."""
    timetable = timetable_of(queue.schedule) if queue.schedule else None
    is_within = timetable is None or is_open(timetable, at)
    gate = "disabled" if not queue.enabled else "open" if is_within else "closed"
    return QueueView(
        queue=queue,
        gate=gate,
        changes_at=next_change(timetable, at) if timetable else None,
        rule=describe(timetable) if timetable else _("Always"),
        waiting=sum(counts.get((queue.pk, state), 0) for state in WAITING),
        running=counts.get((queue.pk, JobState.RUNNING), 0),
        may_change=policy.may(user, "change", queue),
    )


def _rows() -> Any:
    rows = Queue.objects.select_related("schedule", "host", "pool")
    return rows.prefetch_related("schedule__windows", "schedule__exceptions")


@login_required
@require_safe
def queue_list(request: HttpRequest) -> HttpResponse:
    """All queues."""
    user, at = person(request), timezone.now()
    policy.require(user, "view", Queue)

    def told() -> dict[str, Any]:
        queues = list(policy.visible(user, _rows()))
        counts = policy.jobs_by_state(user, [queue.pk for queue in queues])
        rows = [view_of(queue, counts, user=user, at=at) for queue in queues]
        return {
            "queues": rows,
            "may_change": any(row.may_change for row in rows),
            "may_add": policy.may_administer(user, "add", Queue),
            "may_submit": policy.may(user, "add", Job),
        }

    return answer(request, page="jobs/queue_list.html", part="jobs/part_queues.html", at=at, told=told)


@login_required
@require_safe
def queue_page(request: HttpRequest, name: str) -> HttpResponse:
    """One queue: what runs, and what waits in the order in which it starts."""
    user, at = person(request), timezone.now()
    queue = policy.named_for(user, _rows(), name)

    def told() -> dict[str, Any]:
        jobs = policy.visible(user, Job.objects.filter(queue=queue, finished_at=None))
        after = after_of(request.GET)
        waiting, further = _waiting(jobs.select_related("type", "owner", "host"), after=after, at=at)
        waiting = [replace(row, may_move=policy.may(user, "move", row.job)) for row in waiting]
        return {
            "row": view_of(queue, policy.jobs_by_state(user, [queue.pk]), user=user, at=at),
            "running": _running(jobs),
            "waiting": waiting,
            "may_move": any(row.may_move for row in waiting),
            "places": tuple((place, str(title)) for place, title in MOVES.items()),
            "after": after,
            "first": request.path if after else None,
            "further": f"?after={further}" if further else None,
            "may_change": policy.may(user, "change", queue),
            "may_edit": policy.may_administer(user, "change", queue),
            "may_submit": policy.submittable(user, Queue.objects.filter(pk=queue.pk)).exists(),
        }

    return answer(request, page="jobs/queue_page.html", part="jobs/part_queue.html", at=at, told=told)


def _running(jobs: QuerySet[Job]) -> list[JobRow]:
    attempts = Attempt.objects.filter(job=OuterRef("pk"), finished_at=None)
    running = jobs.filter(state=JobState.RUNNING).annotate(ran_on=Subquery(attempts.values("host__name")[:1]))
    return rows_of(running.select_related("type", "owner", "host").order_by("-id")[:SHOWN_RUNNING])


def _waiting(jobs: QuerySet[Job], *, after: int | None, at: datetime) -> tuple[list[JobRow], int | None]:
    """A page of those that wait, in their order, from the one after `after`; and where the next page begins."""
    found = list(after_in_line(jobs, after))
    shown = found[:SHOWN_WAITING]
    further = shown[-1].pk if len(found) > SHOWN_WAITING else None
    return rows_of(shown, why=reasons(shown, at=at)), further


def after_in_line(jobs: QuerySet[Job], after: int | None) -> Iterator[Job]:
    """One job more than a page has. Each question reads a piece of the index on jobs that have not finished."""
    line = jobs.filter(state__in=WAITING).order_by("-priority", "position", "id")
    place = Job.objects.filter(pk=after).values_list("priority", "position", "id").first() if after else None
    if place is None:
        yield from line[: SHOWN_WAITING + 1]
        return
    priority, position, pk = place
    same = line.filter(priority=priority, position__gte=position).exclude(position=position, id__lte=pk)
    found = list(same[: SHOWN_WAITING + 1])
    yield from found
    if len(found) <= SHOWN_WAITING:
        yield from line.filter(priority__lt=priority)[: SHOWN_WAITING + 1 - len(found)]


@login_required
@require_POST
def switch_queue(request: HttpRequest, name: str, word: str) -> HttpResponse:
    """Enable or disable a queue."""
    queue = policy.named_for(person(request), Queue.objects.all(), name, verb="change")
    define_queue({"enabled": word == "enable"}, queue=queue)
    told = _("Queue %(name)s is enabled.") if word == "enable" else _("Queue %(name)s is disabled.")
    messages.success(request, told % {"name": queue.name})
    return redirect("queue", name=name) if request.POST.get("back") == "queue" else redirect("queues")
