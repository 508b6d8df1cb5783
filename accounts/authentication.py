"""Whom a request of the API comes from, with the ways that the site has switched on.

What `accounts.ways` has found out counts first. Then an Authorization header decides alone, right or wrong; without
one the session counts.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth import authenticate
from django.utils import timezone
from knox.crypto import hash_token
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.models import Token, User
from accounts.origin import WAY, peer_of
from accounts.uses import is_due, tell_use
from accounts.ways import require_same_origin
from scheduler_site.proxies import is_loopback

HEADER_LIMIT: Final = 8192
REALM: Final = "Batchyard"


class SiteAuthentication(BaseAuthentication):
    """The ways of BATCHYARD_AUTH."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        _refuse_token_in_address(request)
        if request.META.get(WAY):
            require_same_origin(request)
            return cast(User, request._request.user), None
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return SessionAuthentication().authenticate(request) if "session" in settings.BATCHYARD_AUTH else None
        scheme, _, rest = header.partition(" ")
        word, rest = scheme.lower(), rest.strip()
        if len(header) > HEADER_LIMIT or word not in {"token", "basic"} or word not in settings.BATCHYARD_AUTH:
            raise AuthenticationFailed(f"This site does not know such an Authorization. Possible: {possible()}.")
        return _by_token(request, rest) if word == "token" else _by_password(request, rest)

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for. Token first, so that a browser shows no box of its own."""
        return "Token" if "token" in settings.BATCHYARD_AUTH else f'Basic realm="{REALM}", charset="UTF-8"'


def possible() -> str:
    """The headers that this site takes, in words."""
    ways = {"token": '"Token ..."', "basic": '"Basic ..."'}
    return " or ".join(text for way, text in ways.items() if way in settings.BATCHYARD_AUTH) or "none"


def _refuse_token_in_address(request: Request) -> None:
    prefix = str(settings.REST_KNOX["TOKEN_PREFIX"])
    if any(value.startswith(prefix) for values in request.query_params.lists() for value in values[1]):
        raise AuthenticationFailed(
            "A token in an address is kept in logs and histories: it opens nothing. Revoke it, and send the next "
            'one as "Authorization: Token ...".'
        )


def _by_token(request: Request, token: str) -> tuple[User, Any]:
    refused = AuthenticationFailed("This token is not valid.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise refused
    try:
        found = Token.objects.select_related("user").get(digest=hash_token(token))
    except Token.DoesNotExist:
        raise refused from None
    is_over = found.expiry is not None and found.expiry <= timezone.now()
    if is_over or not found.user.is_active:
        raise refused
    if found.is_read_only and request.method not in SAFE_METHODS:
        raise PermissionDenied("This token only reads; it can change nothing.")
    at = timezone.now()
    if is_due(found.last_used_at, at=at):
        tell_use(Token.objects.filter(pk=found.pk), last_used_at=at)
    return found.user, found


def _by_password(request: Request, text: str) -> tuple[User, None]:
    if not (settings.BATCHYARD_PLAIN_BASIC or request.is_secure() or is_loopback(peer_of(request._request))):
        raise AuthenticationFailed("A password may not cross the network in clear: use https, or a token.")
    try:
        name, is_pair, password = b64decode(text, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise AuthenticationFailed("The Basic credentials are not well formed.") from None
    refused = AuthenticationFailed("User name or password is wrong.")
    if not is_pair or "\0" in name or "\0" in password:
        raise refused
    user = authenticate(request=request._request, username=name, password=password)
    if not isinstance(user, User) or not user.is_active:
        raise refused
    return user, None
