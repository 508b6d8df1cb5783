"""What must hold before the site starts: combinations of settings that would be unsafe or would do nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

Apps = Sequence[AppConfig] | None


@register(Tags.security)
def check_authentication(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Ways of signing in that this site's listeners make unsafe."""
    found: list[CheckMessage] = []
    ways = settings.BATCHYARD_AUTH
    if "disabled" in ways and not settings.BATCHYARD_BIND.is_loopback:
        message = f"BATCHYARD_AUTH is disabled, but BATCHYARD_BIND {settings.BATCHYARD_BIND} is reachable by others."
        found.append(Error(message, hint="Bind to 127.0.0.1, or turn authentication on.", id="batchyard.E001"))
    if "disabled" in ways and len(ways) > 1:
        message = f"BATCHYARD_AUTH turns authentication off and on at once: {', '.join(ways)}."
        found.append(Error(message, hint="Name disabled alone, or leave it out.", id="batchyard.E002"))
    if "header" in ways and not settings.BATCHYARD_TRUSTED_PROXIES:
        message = "BATCHYARD_AUTH has header, but BATCHYARD_TRUSTED_PROXIES names no proxy: nobody could sign in so."
        found.append(Error(message, hint="Name the addresses of your proxies.", id="batchyard.E003"))
    return found


@register(Tags.security, deploy=True)
def check_plain_http(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Passwords that would cross a network in clear."""
    if settings.BATCHYARD_TLS or settings.BATCHYARD_BIND.is_loopback:
        return []
    message = f"BATCHYARD_BIND {settings.BATCHYARD_BIND} is reachable by others without TLS."
    hint = "Put a TLS proxy in front, set BATCHYARD_TLS=true and bind to an address that only the proxy reaches."
    return [Warning(message, hint=hint, id="batchyard.W001")]


@register()
def check_unknown_settings(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Variables that look like ours but that nothing reads."""
    return [
        Warning(
            f"The environment sets {name}, which is no setting of Batchyard.",
            hint=f"Did you mean {nearest}?" if nearest else None,
            id="batchyard.W002",
        )
        for name, nearest in settings.BATCHYARD_UNKNOWN_SETTINGS.items()
    ]
