"""Where yard keeps what it has to remember: its configuration, tokens and history."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from yard.failures import Failure

SITE_WIDE: Final = Path("/etc/batchyard/client.yaml")


def directory(environ: Mapping[str, str]) -> Path | None:
    """The directory of the user's own files; None if there is no home."""
    if base := environ.get("XDG_CONFIG_HOME"):
        return Path(base) / "batchyard"
    if home := environ.get("HOME"):
        return Path(home) / ".config" / "batchyard"
    return None


def configuration_file(environ: Mapping[str, str], *, told: str | None = None) -> Path | None:
    """The client.yaml that counts: the one that is told, the user's own, or the machine's. None if there is none.

    Raises Failure if one is told and is not there.
    """
    if told is None:
        told = environ.get("YARD_CONFIG") or None
    if told is not None:
        if not Path(told).is_file():
            raise Failure(f"There is no configuration {told}.", hint="It comes from --config or YARD_CONFIG.")
        return Path(told)
    own = directory(environ)
    candidates = [*([own / "client.yaml"] if own else []), SITE_WIDE]
    return next((path for path in candidates if path.is_file()), None)


def check_private(path: Path, *, what: str) -> None:
    """Raises Failure if others than the owner can read or change `path`."""
    mode = path.stat().st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Failure(
            f"Others can read {path} (mode {stat.S_IMODE(mode):04o}), which holds {what}.",
            hint=f"Run: chmod 600 {path}",
            code="not_private",
        )


def write_private(path: Path, text: str) -> None:
    """Put `text` into `path`, as a whole or not at all, readable by the owner alone. Raises Failure."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Failure(f"Cannot write {path}: {error.strerror}.") from error
