"""The name that a trusted proxy says in X-Auth-User, once it has asked the person itself."""

from __future__ import annotations

import hmac
import logging
import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from accounts.audit import record
from accounts.models import User
from accounts.origin import bucket_of
from accounts.rates import Rate
from scheduler_site.proxies import is_trusted

logger = logging.getLogger(__name__)

NAME: Final = "x-auth-user"
SECRET: Final = "HTTP_X_PROXY_SECRET"  # noqa: S105  (the name of a header)
NAME_LIMIT: Final = 150
# What anybody can bring about is told, but cannot fill the audit.
TOLD: Final = Rate(per_minute=1)


class NotKnown(Exception):
    """A request says whom it comes from in a way that counts here, and it is nobody."""


def user_of(request: HttpRequest) -> User | None:
    """Whom the proxy names; None if it names nobody, or if it is no trusted proxy that does. Raises NotKnown.

    It never makes an account, nor anybody more than they are.
    """
    told = _told(request)
    if not told:
        return None
    if not _is_believed(request):
        _tell_ignored(request, told[0][1])
        return None
    [(spelling, name), *more] = told
    if more or spelling != NAME or not name or "," in name or not name.isprintable():
        raise NotKnown("X-Auth-User has to be there once, with one name.")
    user = User.objects.filter(username=name, is_active=True).first() if len(name) <= NAME_LIMIT else None
    if user is None:
        raise NotKnown("The proxy names nobody who may come in here.")
    return user


def _told(request: HttpRequest) -> list[tuple[str, str]]:
    """Every header that some program could take for X-Auth-User, as it is spelt, with what it says."""
    scope = getattr(request, "scope", None)
    if scope is None:
        value = request.META.get("HTTP_X_AUTH_USER")
        return [] if value is None else [(NAME, value.strip())]
    headers = ((name.decode("latin-1").lower(), value) for name, value in scope["headers"])
    return [(name, _text(value)) for name, value in headers if name.replace("_", "-") == NAME]


def _text(value: bytes) -> str:
    # What is no UTF-8 becomes characters that no user name has.
    return value.decode("utf-8", "replace").strip()


def _is_believed(request: HttpRequest) -> bool:
    secret = settings.BATCHYARD_PROXY_SECRET
    if not secret or not is_trusted(request.META.get("REMOTE_ADDR", ""), settings.BATCHYARD_TRUSTED_PROXIES):
        return False
    return hmac.compare_digest(request.META.get(SECRET, "").encode("utf-8", "replace"), secret.encode())


def _tell_ignored(request: HttpRequest, name: str) -> None:
    if TOLD.take(bucket_of(request), at=time.monotonic()):
        return
    peer = request.META.get("REMOTE_ADDR", "") or "a unix socket"
    logger.warning("X-Auth-User from %s is ignored: no trusted proxy, or not its secret", peer)
    record("ignore header", kind=User._meta.label_lower, name=name)
