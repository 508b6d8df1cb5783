"""Which site is asked, and with which token: what the preferences say, else what the last `yard login` left."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from .failures import Failure

PREFERENCES: Final = "Edit > Preferences > Add-ons > Batchyard"
TOKEN_LIMIT: Final = 1000


@dataclass(frozen=True)
class Address:
    """A site and how to get in. `authority` is a file of certificates to trust; "" takes the system's."""

    url: str
    token: str = field(repr=False)
    authority: str = ""


def address_of(url: str, token: str, *, authority: str = "", environ: Mapping[str, str]) -> Address:
    """The address that was told; what is empty comes from yard's last login. Raises Failure."""
    logins = _logins(environ) if not (url.strip() and token.strip()) else {}
    whole = _root(url.strip() or str(logins.get("current") or ""))
    own = token.strip() or str((logins.get("sites") or {}).get(whole, {}).get("token") or "")
    if not own:
        hint = f"Make one at {whole}/accounts/tokens/ and enter it in {PREFERENCES}, or run: yard login {whole}"
        raise Failure(f"There is no token for {whole}.", hint=hint, code="no_token")
    if not (own.isascii() and own.isprintable() and len(own) < TOKEN_LIMIT):
        raise Failure("The token is not one line of printable characters.", hint=f"Enter it anew in {PREFERENCES}.")
    return Address(whole, own, authority.strip())


def _root(text: str) -> str:
    """The root of the site that `text` means, without the API's own path. Raises Failure."""
    if not text:
        raise Failure("No site is known.", hint=f"Enter its URL in {PREFERENCES}.", code="no_url")
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_whole = False
    if not is_whole or "@" in parts.netloc or not text.isascii():
        hint = f"Write it like https://batchyard.example.org in {PREFERENCES}."
        raise Failure(f'"{text[:200]}" is not the URL of a site.', hint=hint, code="bad_url")
    path = parts.path.rstrip("/").removesuffix("/api/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def _logins(environ: Mapping[str, str]) -> dict[str, Any]:
    """What `yard login` keeps: `current`, and `sites` by URL. {} if nobody has logged in. Raises Failure."""
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    path = Path(home) / "batchyard" / "tokens.json"
    if not home or not path.is_file():
        return {}
    try:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Failure(f"Others can read {path}, which holds tokens.", hint=f"Run: chmod 600 {path}")
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise Failure(f"{path} is damaged.", hint="Remove it and run yard login.") from error
    sites = told.get("sites", {}) if isinstance(told, dict) else None
    if not isinstance(sites, dict) or not all(isinstance(login, dict) for login in sites.values()):
        raise Failure(f"{path} is damaged.", hint="Remove it and run yard login.")
    return dict(told)
