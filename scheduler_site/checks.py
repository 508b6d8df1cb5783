"""What must hold before the site starts: combinations of settings that would be unsafe or would do nothing."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
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


@register(Tags.security, deploy=True)
def check_secret_keys(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Keys of stored secrets that every account of this machine can read."""
    path: Path = settings.BATCHYARD_SECRET_KEYS_FILE
    if not path.is_file() or not path.stat().st_mode & stat.S_IRWXO:
        return []
    message = f"The keys of stored secrets, {path}, can be read by every account."
    return [Warning(message, hint="Make its mode 0600.", id="batchyard.W003")]


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
