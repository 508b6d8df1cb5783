"""Believes what a reverse proxy says about a request only when a trusted one says it.

Where nobody is asked who they are, nothing but this machine may come in at all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port

from scheduler_site.env import UNIX, Network
from scheduler_site.ways import LOOPBACK_NAMES

FORWARDED: Final = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO")
# What only proxies send.
OF_PROXIES: Final = (*FORWARDED, "HTTP_X_REAL_IP", "HTTP_X_AUTH_USER", "HTTP_VIA")

Answer = Callable[[HttpRequest], HttpResponse]


def forwarded_headers(get_response: Answer) -> Answer:
    """Drops forwarded headers unless the peer's address is in BATCHYARD_TRUSTED_PROXIES."""

    def answer(request: HttpRequest) -> HttpResponse:
        return _refused(request) or get_response(request)

    return answer


def _refused(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that goes no further, or None."""
    if "disabled" in settings.BATCHYARD_AUTH and (problem := _not_from_here(request)):
        return HttpResponse(f"{problem}\n", content_type="text/plain; charset=utf-8", status=403)
    if not is_trusted(request.META.get("REMOTE_ADDR", ""), settings.BATCHYARD_TRUSTED_PROXIES):
        for name in FORWARDED:
            request.META.pop(name, None)
    return None


def _not_from_here(request: HttpRequest) -> str | None:
    """Why the request may not be from a person at this machine; None if it is."""
    if not is_loopback(request.META.get("REMOTE_ADDR", "")):
        return "BATCHYARD_AUTH=disabled: only this machine may come in."
    if any(name in request.META for name in OF_PROXIES):
        return "BATCHYARD_AUTH=disabled: no proxy may stand in front of this site."
    # A name of others that leads to this machine is how a page elsewhere would reach it.
    if split_domain_port(request.META.get("HTTP_HOST", ""))[0] not in LOOPBACK_NAMES:
        return f"BATCHYARD_AUTH=disabled: this site is known only as {', '.join(LOOPBACK_NAMES)}."
    return None


def is_trusted(peer: str, networks: Iterable[Network | str]) -> bool:
    """Whether the peer's socket address is in one of the networks. No address: whether unix sockets are."""
    address = parsed(peer)
    if address is None:
        return not peer and UNIX in networks
    return any(address in network for network in networks if not isinstance(network, str))


def is_loopback(peer: str) -> bool:
    """Whether the peer is on this machine. One without an address came by a unix socket."""
    address = parsed(peer)
    return not peer if address is None else address.is_loopback


def parsed(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, an IPv4 address within IPv6 as IPv4; None if it is none."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address
