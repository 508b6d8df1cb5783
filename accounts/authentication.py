"""Whom a request of the API comes from: one place, with the ways that the site has switched on.

An Authorization header decides alone, right or wrong; without one the session counts.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import authenticate
from django.utils import timezone
from knox.crypto import hash_token
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.models import Token, User

HEADER_LIMIT: Final = 8192
PASSWORD_LIMIT: Final = 4096
REALM: Final = "Batchyard"


class SiteAuthentication(BaseAuthentication):
    """The ways of BATCHYARD_AUTH among token, basic and session."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
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


def _by_token(request: Request, token: str) -> tuple[User, Any]:
    refused = AuthenticationFailed("This token is not valid.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise refused
    found = Token.objects.select_related("user").filter(digest=hash_token(token)).first()
    is_over = found is not None and found.expiry is not None and found.expiry <= timezone.now()
    if found is None or is_over or not found.user.is_active:
        raise refused
    if found.is_read_only and request.method not in SAFE_METHODS:
        raise PermissionDenied("This token only reads; it can change nothing.")
    return found.user, found


def _by_password(request: Request, text: str) -> tuple[User, None]:
    try:
        name, is_pair, password = b64decode(text, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise AuthenticationFailed("The Basic credentials are not well formed.") from None
    refused = AuthenticationFailed("User name or password is wrong.")
    if not is_pair or "\0" in name or "\0" in password or len(password) > PASSWORD_LIMIT:
        raise refused
    user = authenticate(request=request._request, username=name, password=password)
    if not isinstance(user, User) or not user.is_active:
        raise refused
    return user, None
