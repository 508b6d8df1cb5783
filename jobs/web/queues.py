"""Queues: what is open, what waits and why, and switching them on and off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from jobs.config.definitions import define_queue
from jobs.dispatch.explain import reasons
from jobs.models import Job, JobState, Queue
from jobs.queueing.control import WAITING
from jobs.queueing.gates import Blocker
from jobs.queueing.timetables import timetable_of
from jobs.tallies.totals import jobs_by_state
from jobs.timing.windows import is_open, next_change
from jobs.timing.wording import describe
from jobs.web.live import answer, person

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


def view_of(queue: Queue, counts: Counts, *, at: datetime) -> QueueView:
    """`queue` at `at`; its schedule's windows and exceptions have been prefetched."""
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
    )


def counted(queues: Sequence[Queue]) -> Counts:
    """How many jobs of each queue are in each state: one query."""
    return jobs_by_state([queue.pk for queue in queues])


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
        counts = counted(queues)
        return {
            "queues": [view_of(queue, counts, at=at) for queue in queues],
            "may_change": policy.may(user, "change", Queue),
            "may_add": policy.may(user, "add", Queue),
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
        return {
            "row": view_of(queue, counted([queue]), at=at),
            "running": _running(policy.visible(user, Job.objects.filter(queue=queue))),
            "waiting": _waiting(policy.visible(user, Job.objects.filter(queue=queue)), at=at),
            "may_change": policy.may(user, "change", queue),
            "may_submit": policy.may(user, "add", Job),
        }

    return answer(request, page="jobs/queue_page.html", part="jobs/part_queue.html", at=at, told=told)


def _running(jobs: Any) -> list[Job]:
    running = jobs.filter(state=JobState.RUNNING).select_related("type", "owner").order_by("-id")
    return list(running[:SHOWN_RUNNING])


def _waiting(jobs: Any, *, at: datetime) -> list[tuple[Job, list[Blocker]]]:
    rows = jobs.filter(state__in=WAITING).select_related("type", "owner").order_by("-priority", "position", "id")
    waiting = list(rows[:SHOWN_WAITING])
    why = reasons(waiting, at=at)
    return [(job, why[job.pk]) for job in waiting]


@login_required
@require_POST
def switch_queue(request: HttpRequest, name: str, word: str) -> HttpResponse:
    """Enable or disable a queue."""
    queue = policy.named_for(person(request), Queue.objects.all(), name, verb="change")
    define_queue({"enabled": word == "enable"}, queue=queue)
    told = _("Queue %(name)s is enabled.") if word == "enable" else _("Queue %(name)s is disabled.")
    messages.success(request, told % {"name": queue.name})
    return redirect("queue", name=name) if request.POST.get("back") == "queue" else redirect("queues")
