"""Believes what a reverse proxy says about a request only when a trusted one says it."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from inspect import iscoroutinefunction
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from scheduler_site.env import Network

FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO")

Answer = Callable[[HttpRequest], HttpResponse]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponse]]


@sync_and_async_middleware
def forwarded_headers(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Drops forwarded headers unless the peer's address is in BATCHYARD_TRUSTED_PROXIES."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponse:
            _drop_untrusted(request)
            return await cast(AsyncAnswer, get_response)(request)

        return answer_later

    def answer(request: HttpRequest) -> HttpResponse:
        _drop_untrusted(request)
        return cast(Answer, get_response)(request)

    return answer


def _drop_untrusted(request: HttpRequest) -> None:
    if not is_trusted(request.META.get("REMOTE_ADDR", ""), settings.BATCHYARD_TRUSTED_PROXIES):
        for name in FORWARDED:
            request.META.pop(name, None)


def is_trusted(peer: str, networks: Iterable[Network]) -> bool:
    """Whether the peer's socket address is in one of the networks. Never for a peer without an address."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)
