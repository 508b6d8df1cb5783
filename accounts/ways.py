"""Whom a request comes from: the one place that decides, for pages, administration and API alike.

The ways that BATCHYARD_AUTH switches on are asked in this order; the first that has anything to say decides:

disabled      nobody is asked; everybody at this machine is one local superuser
header        a trusted proxy says the name
token, basic  the Authorization header of requests of the API (accounts.authentication)
session       the cookie of a browser that has signed in
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.models import User
from accounts.origin import WAY
from accounts.proxied import NotKnown, user_of
from jobs.problems import Problem
from scheduler_site.api.errors import shape
from scheduler_site.pages import fault

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# What browsers say of requests that a page of this very site makes, or that a person typed.
FROM_HERE: Final = frozenset({"", "same-origin", "none"})


class WhoAsks(AuthenticationMiddleware):
    """Sets `request.user`. A name that a proxy says and that is nobody's ends the request: 401."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        super().process_request(request)
        try:
            way, user = _found(request)
        except NotKnown as problem:
            return _unknown(request, str(problem))
        if user is not None:
            request.META[WAY] = way
            _settle(request, user)
        elif "session" not in settings.BATCHYARD_AUTH:
            _settle(request, AnonymousUser())
        return None


def _found(request: HttpRequest) -> tuple[str, User | None]:
    if "disabled" in settings.BATCHYARD_AUTH:
        return "disabled", _local_user()
    if "header" in settings.BATCHYARD_AUTH:
        return "header", user_of(request)
    return "", None


def _local_user() -> User:
    name = settings.BATCHYARD_LOCAL_USER
    user = User.objects.filter(username=name, is_active=True, is_superuser=True).first()
    if user is None:
        raise NotKnown(f'BATCHYARD_LOCAL_USER: there is no superuser "{name}". manage.py createsuperuser makes one.')
    return user


def _settle(request: HttpRequest, user: User | AnonymousUser) -> None:
    async def settled() -> User | AnonymousUser:
        return user

    request.user = user
    request.auser = settled


def _unknown(request: HttpRequest, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(shape([Problem("not_authenticated", text)]), status=401)
    if request.path.startswith("/batchd/"):
        return HttpResponse(text, status=401, content_type="text/plain; charset=utf-8")
    return fault(None, 401, text)


def require_same_origin(request: Any) -> None:
    """Raises PermissionDenied for a change that a page of another site asks for.

    Needed where a browser need not show anything of its own to be let in. Programs send none of these headers.
    """
    if request.method in SAFE:
        return
    told, fetched = request.META.get("HTTP_ORIGIN"), request.META.get("HTTP_SEC_FETCH_SITE", "")
    own = f"{request.scheme}://{request.get_host()}"
    is_own = fetched in FROM_HERE if told is None else told in {own, *settings.CSRF_TRUSTED_ORIGINS}
    if not is_own:
        place = urlsplit(told or "").netloc or "elsewhere"
        raise PermissionDenied(f"A page of another site ({place[:100]}) may change nothing here.")
