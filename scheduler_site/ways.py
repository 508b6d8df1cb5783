"""The ways in which a request may say whom it comes from, and which settings of them cannot be meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from scheduler_site.env import Bind

# In the order in which they are asked: the first that has anything to say decides.
WAYS: Final = ("disabled", "header", "token", "basic", "session")
LOOPBACK_NAMES: Final = ["localhost", "127.0.0.1", "[::1]"]
SHORTEST_SECRET: Final = 16


def check_ways(ways: Sequence[str], *, bind: Bind, has_proxies: bool, secret: str | None) -> None:
    """Raises ImproperlyConfigured, which stops the start, unless these settings are safe together."""
    if not ways:
        raise ImproperlyConfigured(f"BATCHYARD_AUTH names no way to come in. Possible: {', '.join(WAYS)}.")
    if "header" in ways:
        _check_header(has_proxies=has_proxies, secret=secret)
    if "disabled" in ways:
        _check_disabled(ways, bind=bind, has_proxies=has_proxies)


def _check_header(*, has_proxies: bool, secret: str | None) -> None:
    if not has_proxies:
        raise ImproperlyConfigured(
            "BATCHYARD_AUTH has header, which needs BATCHYARD_TRUSTED_PROXIES: the addresses of the proxies, or unix."
        )
    if secret is None or len(secret) < SHORTEST_SECRET:
        raise ImproperlyConfigured(
            "BATCHYARD_AUTH has header, which needs BATCHYARD_PROXY_SECRET (or BATCHYARD_PROXY_SECRET_FILE) "
            f"with at least {SHORTEST_SECRET} characters, sent by the proxy as X-Proxy-Secret."
        )


def _check_disabled(ways: Sequence[str], *, bind: Bind, has_proxies: bool) -> None:
    if set(ways) != {"disabled"}:
        others = ", ".join(way for way in ways if way != "disabled")
        raise ImproperlyConfigured(f"BATCHYARD_AUTH has disabled, which asks nobody, beside {others}. Choose one.")
    if not bind.is_loopback:
        raise ImproperlyConfigured(
            f"BATCHYARD_AUTH=disabled lets in whoever reaches BATCHYARD_BIND {bind}. Possible: 127.0.0.1, [::1]."
        )
    if has_proxies:
        raise ImproperlyConfigured(
            "BATCHYARD_AUTH=disabled is for one machine; BATCHYARD_TRUSTED_PROXIES would bring others in."
        )


def hosts(told: list[str], *, ways: Sequence[str]) -> list[str]:
    """The names that the site answers to beside those of loopback: none where nobody is asked who they are."""
    return [] if "disabled" in ways else told
