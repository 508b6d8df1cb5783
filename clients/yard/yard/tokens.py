"""The tokens of past logins, by the site's URL, in a file that only its owner reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yard.failures import Failure
from yard.places import check_private, directory, write_private


class Tokens:
    """What `yard login` keeps. Reads the file when it is first asked."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        base = directory(environ)
        self.path: Path | None = base / "tokens.json" if base else None
        self._told: dict[str, Any] | None = None

    @property
    def current(self) -> str:
        """The URL of the last login; "" if there was none."""
        return str(self._read().get("current") or "")

    def of(self, url: str) -> Mapping[str, Any] | None:
        """`user`, `token`, `key` and `expires_at` of the login at `url`; None if there was none."""
        found: Mapping[str, Any] | None = self._sites().get(url)
        return found

    def keep(self, url: str, login: Mapping[str, Any]) -> None:
        """Remember a login, and that it was the last."""
        self._write({"current": url, "sites": {**self._sites(), url: dict(login)}})

    def forget(self, url: str) -> None:
        """Remember nothing of `url` any more."""
        sites = {known: login for known, login in self._sites().items() if known != url}
        current = "" if self.current == url else self.current
        self._write({"current": current, "sites": sites})

    def check(self) -> None:
        """Raises Failure if a login could not be kept."""
        self._read()
        if self.path is None:
            raise Failure("There is no home directory to keep a token in.", hint="Set HOME or XDG_CONFIG_HOME.")

    def _sites(self) -> dict[str, Any]:
        sites: dict[str, Any] = self._read().get("sites") or {}
        return sites

    def _read(self) -> dict[str, Any]:
        if self._told is None:
            self._told = _read(self.path) if self.path else {}
        return self._told

    def _write(self, told: dict[str, Any]) -> None:
        self.check()
        if self.path is not None:
            write_private(self.path, json.dumps(told, indent=2, sort_keys=True) + "\n")
        self._told = told


def _read(path: Path) -> dict[str, Any]:
    try:
        if not path.exists():
            return {}
        check_private(path, what="tokens")
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise Failure(f"{path} is damaged: {error}.", hint="Remove it and run yard login.") from error
    if not isinstance(told, dict) or not isinstance(told.get("sites", {}), dict):
        raise Failure(f"{path} is damaged.", hint="Remove it and run yard login.")
    return told
