"""Signing in and out, the own password, the own tokens."""

from __future__ import annotations

import logging
import math
import time
from typing import Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts import tokens as tokens_of_people
from accounts.audit import changed
from accounts.lockout import know_browser
from accounts.models import Token, User
from accounts.origin import bucket_of
from accounts.rates import Rate
from accounts.web.forms import TokenForm
from scheduler_site.pages import too_many
from scheduler_site.signing_in import FIELD, keep_form

logger = logging.getLogger(__name__)

LOGINS: Final = Rate(per_minute=settings.BATCHYARD_LOGINS_PER_MINUTE)


class SignIn(LoginView):
    """Asks for name and password, then leads to where one wanted to go."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "session" not in settings.BATCHYARD_AUTH and not request.user.is_authenticated:
            raise PermissionDenied(
                _("Nobody signs in here with a password. Ask those who run this site for the way in.")
            )
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait_seconds = LOGINS.take(bucket_of(request), at=time.monotonic())
        if wait_seconds:
            text = _("Too many attempts to sign in from your address.")
            return too_many(request, wait_seconds=math.ceil(wait_seconds), text=text)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        keep_form(self.request)
        know_browser(answer, name=form.get_user().get_username())
        return answer

    def get_context_data(self, **told: Any) -> dict[str, Any]:
        """With what came along, so that a wrong password does not lose it."""
        told = super().get_context_data(**told) | {"kept": self.request.POST.get(FIELD, "")}
        if settings.BATCHYARD_OIDC_ISSUER:
            told["provider"] = settings.BATCHYARD_OIDC_NAME
        if "refused" in self.request.GET:
            told["notice"] = _("The provider did not let you in, or you have no account here.")
        return told


class SignOut(LogoutView):
    """Ends the session."""


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _sent(request: HttpRequest) -> QueryDict | None:
    # An empty form that was sent is wrong; one that was not sent is new.
    return request.POST if request.method == "POST" else None


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """The own password. Other browsers are signed out by it; tokens stay."""
    form = PasswordChangeForm(_person(request), _sent(request))
    if not form.is_valid():
        return render(request, "accounts/password.html", {"form": form}, status=400 if form.is_bound else 200)
    with changed(_person(request), action="change password"):
        form.save()
    update_session_auth_hash(request, form.user)
    messages.success(request, _("Your password is changed. All other browsers are signed out."))
    return redirect("password")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The own tokens; a new one is shown in the answer that makes it and never again."""
    person = _person(request)
    form = TokenForm(_sent(request))
    made = None
    if form.is_valid():
        row, made = tokens_of_people.make_token(person, period=form.period(), **form.described())
        logger.info("token %s made by %s", row.token_key, person)
        form = TokenForm()
    told = {
        "form": form,
        "made": made,
        "tokens": policy.own_tokens(person).order_by("-created"),
        "is_taken": "token" in settings.BATCHYARD_AUTH,
        "now": timezone.now(),
    }
    return render(request, "accounts/tokens.html", told, status=400 if form.is_bound else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_token(request: HttpRequest, key: str) -> HttpResponse:
    """Ends a token of one's own, at once. One that is gone already is as good as revoked. Without POST: asks first."""
    person = _person(request)
    found = policy.own_tokens(person).filter(token_key=key)
    if request.method != "POST" and (token := found.first()):
        return render(request, "confirm.html", _question(token))
    if request.method == "POST" and (row := found.first()):
        tokens_of_people.revoke_token(row)
        logger.info("token %s revoked by %s", key, person)
        messages.success(request, _("Token %(key)s… is revoked.") % {"key": key})
    else:
        messages.info(request, _("You have no such token any more."))
    return redirect("tokens")


def _question(token: Token) -> dict[str, object]:
    return {
        "title": _("Revoke this token?"),
        "what": f"{token.name or '–'}\n{token.token_key}…",
        "text": _("Programs that use it are refused from this moment on. It cannot be brought back."),
        "icon": "trash",
        "word": _("Revoke"),
        "back": reverse("tokens"),
    }
