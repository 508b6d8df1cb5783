"""From where what happens now was asked for: a request, a command, or the site itself."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from scheduler_site.proxies import is_trusted, parsed

HEADER: Final = "X-Request-Id"
# In a request's META: the way in which it was found out whom it comes from, if not by what it brings itself.
WAY: Final = "batchyard.way"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, in which way, from which address, in which request. All empty: the site itself."""

    actor: str = ""
    mode: str = ""
    peer: str = ""
    request_id: str = ""


SITE: Final = Origin()
_command: ContextVar[Origin] = ContextVar("command", default=SITE)
_request: ContextVar[tuple[HttpRequest, str] | None] = ContextVar("request", default=None)


def of_command() -> None:
    """What this process does from now on was asked for on the machine's own command line."""
    _command.set(Origin(actor=f"{getpass.getuser()}@localhost"[:150], mode="command"))


def current() -> Origin:
    """The origin of what happens now. Who asks is known once the request has been authenticated."""
    found = _request.get()
    if found is None:
        return _command.get()
    request, number = found
    user = getattr(request, "user", None)
    name = user.get_username() if user is not None and user.is_authenticated else ""
    return Origin(name, way_of(request) if name else "", peer_of(request), number)


def request() -> HttpRequest | None:
    """The request that is being answered; None outside of one."""
    found = _request.get()
    return found[0] if found else None


def way_of(request: HttpRequest) -> str:
    """The way in which it is known whom the request comes from: a word of BATCHYARD_AUTH."""
    word = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower()
    return str(request.META.get(WAY, "")) or (word if word in {"token", "basic"} else "session")


def peer_of(request: HttpRequest) -> str:
    """The client's address: the socket's, or what the last trusted proxy says it was."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    told = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    while told and is_trusted(peer, settings.BATCHYARD_TRUSTED_PROXIES):
        peer = told.pop()
    return peer[:100]


def bucket_of(request: HttpRequest) -> str:
    """The address by which attempts are counted: of IPv6 the network that one subscriber has. "" for none."""
    address = parsed(peer_of(request))
    if address is None:
        return ""
    return str(IPv6Network((int(address), 64), strict=False)[0]) if isinstance(address, IPv6Address) else str(address)


Answer = Callable[[HttpRequest], HttpResponse]


def remembered(get_response: Answer) -> Answer:
    """Remembers the request while it is answered, under a number that the answer tells as X-Request-Id."""

    def answer(request: HttpRequest) -> HttpResponse:
        token, number = _enter(request)
        try:
            return _numbered(get_response(request), number)
        finally:
            _request.reset(token)

    return answer


def _enter(request: HttpRequest) -> tuple[Any, str]:
    number = secrets.token_hex(8)
    return _request.set((request, number)), number


def _numbered(answer: HttpResponse, number: str) -> HttpResponse:
    answer[HEADER] = number
    return answer
