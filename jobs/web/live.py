"""Parts of pages that renew themselves: the page asks for its part again, and is told if nothing is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from jobs.models import Event

# What changes without an event (times, queues, hosts) is shown after so many seconds.
STALE_SECONDS: Final = 10


def person(request: HttpRequest) -> User:
    """Who asks. For views that need a login."""
    return cast(User, request.user)


def mark_at(at: datetime) -> str:
    """Stays the same for as long as a list shows nothing new. One look at the end of an index."""
    last = Event.objects.order_by("-id").values_list("id", flat=True).first()
    return f"{last or 0}.{int(at.timestamp()) // STALE_SECONDS}"


def answer(
    request: HttpRequest, *, page: str, part: str, at: datetime, told: Callable[[], dict[str, Any]], status: int = 200
) -> HttpResponse:
    """The whole page; if the page itself asks by `seen`, its part alone, or 204 if that is what it shows.

    `told` is what the templates are told, looked up only if it is needed.
    """
    seen, mark = request.GET.get("seen"), mark_at(at)
    if seen == mark:
        return HttpResponse(status=204)
    query = request.GET.copy()
    query["seen"] = mark
    context = {**told(), "renew": f"?{query.urlencode()}", "part": part}
    answer = render(request, page if seen is None else part, context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
