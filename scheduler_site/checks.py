"""What must hold before the site starts: combinations of settings that would be unsafe or would do nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

Apps = Sequence[AppConfig] | None


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
