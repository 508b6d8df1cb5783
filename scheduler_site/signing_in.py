"""A form that was sent after the session had ended is not lost: signing in brings it back, filled in."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

FIELD: Final = "kept_form"
# Fields whose names begin so hold secrets, which are not kept: they have to be entered again.
SECRET_FIELD: Final = "secret_"  # noqa: S105  (the begin of names)
UNKEPT: Final = ("csrfmiddlewaretoken", SECRET_FIELD)
KEPT_LIMIT: Final = 1_000_000

View = Callable[..., HttpResponse]


def login_keeps_form(view: View) -> View:
    """Asks those who are not signed in to do so. What they have sent goes along in the sign-in form."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated or request.method != "POST":
            return login_required(view)(request, *args, **kwargs)
        sent = {name: value for name, value in request.POST.items() if not name.startswith(UNKEPT)}
        told = {
            "form": AuthenticationForm(request),
            "next": request.get_full_path(),
            "kept": json.dumps(sent),
            "notice": _("You were signed out meanwhile. Sign in, and your form is back as you filled it in."),
        }
        return render(request, "accounts/login.html", told, status=403)

    return asked


def keep_form(request: HttpRequest) -> None:
    """Put what came along with signing in into the new session, once, for the page that it is for."""
    text = request.POST.get(FIELD, "")
    sent = _read(text) if 0 < len(text) <= KEPT_LIMIT else None
    if sent:
        request.session[FIELD] = {"path": request.POST.get("next", ""), "sent": sent}


def kept_form(request: HttpRequest) -> dict[str, str]:
    """The values that were kept for this page; they are handed out once."""
    kept = request.session.get(FIELD)
    if not kept or kept["path"] != request.get_full_path():
        return {}
    del request.session[FIELD]
    return dict(kept["sent"])


def _read(text: str) -> dict[str, str] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    is_form = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    return found if is_form else None
