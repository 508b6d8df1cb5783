"""Pages that belong to the site as a whole: what is shown when something is wrong, and the components."""

from __future__ import annotations

import logging
import math
import re
import secrets
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.auth.decorators import login_required
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.urls import Resolver404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_safe

from jobs.models import JobState
from jobs.models.attempt import Outcome, Phase
from jobs.problems import Problem
from scheduler_site.api.errors import RETRY_SECONDS, shape
from scheduler_site.outages import is_outage
from scheduler_site.shortage import is_shortage

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

logger = logging.getLogger(__name__)

TITLES: Final = {
    400: _("This request is not well formed"),
    401: _("It is not known who you are"),
    403: _("You may not do this"),
    404: _("There is nothing here"),
    429: _("Too many attempts to sign in"),
    500: _("Something went wrong here"),
    503: _("The site is busy"),
}


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400. Told without its reason, which may be an attack's."""
    return fault(None, 400, _("The browser sent something that cannot be meant. Go back and try again."))


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, with what the policy says."""
    return fault(request, 403, str(exception) or _("Ask those who run this site for the permission."))


@requires_csrf_token
def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, with what was looked for."""
    is_told = isinstance(exception, Http404) and not isinstance(exception, Resolver404) and bool(str(exception))
    return fault(request, 404, str(exception) if is_told else _("No page has this address, or you may not see it."))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is old or missing."""
    return fault(request, 403, _("This form is too old, or cookies are off. Go back, reload the page and try again."))


def failed(request: HttpRequest) -> HttpResponse:
    """500 under a number that the log has too, or 503 if the same may succeed in a moment."""
    if text := _passing(sys.exc_info()[1]):
        answer = fault(None, 503, text)
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer
    number = secrets.token_hex(6)
    logger.error("error %s: %s %s", number, request.method, request.path)
    text = _("It is recorded as error %(number)s. Tell those who run this site the number.") % {"number": number}
    return fault(None, 500, text)


def _passing(error: BaseException | None) -> StrOrPromise:
    if is_outage(error):
        return _("Its database does not answer; nothing was changed. Try again in a moment.")
    if error is not None and is_shortage(error):
        return _("It has too much to do. Try again in a moment.")
    return ""


def locked_out(request: HttpRequest, original: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """429 after too many wrong passwords."""
    until: datetime | None = getattr(request, "locked_until", None)
    wait_seconds = max(1, math.ceil((until - timezone.now()).total_seconds())) if until else RETRY_SECONDS
    return too_many(request, wait_seconds=wait_seconds, text=_("Too many wrong passwords."))


def too_many(request: HttpRequest, *, wait_seconds: int, text: object) -> HttpResponse:
    """429, with when to try again."""
    minutes = math.ceil(wait_seconds / 60)
    if request.path.startswith("/api/"):
        problem = Problem("too_many_failures", str(text), None, f"Try again in {wait_seconds} s.")
        answer: HttpResponse = JsonResponse(shape([problem]), status=429)
    else:
        wait = _("Wait %(minutes)s min, then try again.") % {"minutes": minutes}
        answer = fault(None, 429, f"{text} {wait}")
    answer.headers["Retry-After"] = str(wait_seconds)
    return answer


def fault(request: HttpRequest | None, status: int, text: object) -> HttpResponse:
    """The page that says what is wrong."""
    # Without a request the page needs neither a session nor the database.
    told = {"status": status, "title": TITLES[status], "text": text}
    return HttpResponse(loader.render_to_string("fault.html", told, request), status=status)


class ExampleForm(forms.Form):
    """Fields to look at; nothing is done with them."""

    scene = forms.CharField(label=_("Scene"), help_text=_("Path beneath the file roots."))
    quality = forms.ChoiceField(label=_("Quality"), choices=[("draft", _("draft")), ("final", _("final"))])
    frames = forms.IntegerField(label=_("Frames"), required=False, min_value=1)
    is_quiet = forms.BooleanField(label=_("Quiet"), required=False)


@login_required
@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Every component with the line that makes it."""
    now = timezone.now()
    told = {
        "states": JobState.values,
        "phases": Phase.values,
        "outcomes": Outcome.values,
        "icons": icons(),
        "form": ExampleForm({"scene": "", "quality": "draft", "frames": "0"}),
        "just_now": now,
        "earlier": now - timedelta(minutes=42),
        "later": now + timedelta(hours=7),
        "tones": ("info", "good", "warn", "bad"),
    }
    return render(request, "components.html", told)


def icons() -> list[str]:
    """The names of all drawings, as the sprite has them."""
    sprite = Path(finders.find("batchyard/icons.svg") or "")
    return re.findall(r'<symbol id="([a-z]+)"', sprite.read_text(encoding="utf-8"))
