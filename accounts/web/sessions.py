"""The browsers in which one has signed in, and their end."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from accounts.models import User
from accounts.sessions import end, label_of


@never_cache
@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Where one is signed in: this browser first, then those seen last."""
    here = _here(request)
    rows = policy.own_sessions(_person(request), at=timezone.now()).order_by("-seen_at")
    ordered = sorted(rows, key=lambda row: row.label != here)
    return render(request, "accounts/sessions.html", {"sessions": ordered, "here": here})


@login_required
@require_POST
def end_session(request: HttpRequest, label: str) -> HttpResponse:
    """Signs one browser out, at once. One that is gone already is as good as ended."""
    person = _person(request)
    if end(policy.own_sessions(person, at=timezone.now()).filter(label=label), name=str(person)):
        messages.success(request, _("That browser is signed out."))
    else:
        messages.info(request, _("You are not signed in there any more."))
    return redirect("sessions")


@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Signs all other browsers out, at once."""
    person = _person(request)
    count = end(policy.own_sessions(person, at=timezone.now()).exclude(label=_here(request)), name=str(person))
    messages.success(request, ngettext("%d browser is signed out.", "%d browsers are signed out.", count) % count)
    return redirect("sessions")


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _here(request: HttpRequest) -> str:
    return label_of(request.session.session_key or "")
