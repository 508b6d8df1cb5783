"""One job: its state and why, what it was given, its attempts, its history and its output."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast, get_args

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import policy
from jobs.dispatch.explain import explain
from jobs.execution.store import Sizes, View
from jobs.models import Attempt, Event, Job, JobState
from jobs.parameters import Parameter
from jobs.problems import Problem
from jobs.queueing.control import WAITING
from jobs.queueing.declarations import parameters_of
from jobs.web.asking import possible
from jobs.web.files import listed
from jobs.web.live import person
from jobs.web.output import Tail, sizes_of, tail_of

SHOWN_EVENTS: Final = 200
ATTEMPT_DIGITS: Final = 9


@login_required
@require_safe
def job_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; with `?seen` only the part that changes, for the page itself."""
    rows = Job.objects.select_related("queue", "type", "owner", "host").prefetch_related("type__parameters")
    job = policy.job_for(person(request), pk, rows=rows)
    context = _told(request, job, at=timezone.now())
    if "seen" in request.GET:
        answer = render(request, "jobs/part_job.html", context)
    else:
        answer = render(request, "jobs/job_page.html", {**context, **_output(request, job, context["attempts"])})
    answer["Cache-Control"] = "no-store"
    return answer


def _told(request: HttpRequest, job: Job, *, at: datetime) -> dict[str, Any]:
    """What the part that changes tells."""
    attempts = list(job.attempts.select_related("host").order_by("-number"))
    is_waiting = job.state in WAITING
    return {
        "job": job,
        "is_waiting": is_waiting,
        "is_over": JobState(job.state).is_final,
        "blockers": explain(job, at=at) if is_waiting else [],
        "attempts": attempts,
        "open": next((attempt for attempt in attempts if attempt.finished_at is None), None),
        "offers": possible(job, attempts, user=person(request)),
        "events": Event.objects.filter(job_id=job.pk).order_by("-id")[:SHOWN_EVENTS],
        "files": listed(job, parameters_of(job.type)),
        "may_submit": policy.may(person(request), "add", Job),
        "may_administer": policy.may_administer(person(request), "view", Job),
    }


def _output(request: HttpRequest, job: Job, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """The end of the output that the address asks for, and from where the page's script goes on."""
    view = _view(request.GET.get("stream", "both"))
    wanted = request.GET.get("attempt")
    attempt = _attempt(job, attempts, wanted) if wanted else (attempts[0] if attempts else None)
    sizes = sizes_of(attempt) if attempt else Sizes()
    tail = tail_of(attempt, view, sizes=sizes) if attempt else Tail()
    query = f"?states=true&stream={view}" + (f"&attempt={attempt.number}" if attempt and wanted else "")
    return {
        "view": view,
        "views": get_args(View),
        "attempt": attempt,
        "is_pinned": bool(wanted),
        "sizes": sizes,
        "tail": tail,
        "stream": reverse("api-job-output-stream", kwargs={"pk": job.pk}) + query,
        "last_id": f"{attempt.number}:{tail.begin}" if attempt else "",
        "given": _given(job, parameters_of(job.type)),
    }


def _view(text: str) -> View:
    if text not in get_args(View):
        raise policy.Missing(Problem("not_found", f'There is no stream "{text[:40]}".'))
    return cast(View, text)


def _attempt(job: Job, attempts: Sequence[Attempt], text: str) -> Attempt:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= ATTEMPT_DIGITS else 0
    for attempt in attempts:
        if attempt.number == number:
            return attempt
    raise policy.Missing(Problem("not_found", f"Job {job.pk} has no attempt {text[:40]}."))


def _given(job: Job, declared: Sequence[Parameter]) -> list[tuple[str, str, str]]:
    """Title, name and value of each parameter; those that its type no longer declares come last."""
    titles = {parameter.name: parameter.title for parameter in declared}
    names = [*(name for name in titles if name in job.params), *(name for name in job.params if name not in titles)]
    return [(titles.get(name, name), name, str(job.params[name])) for name in names]
