"""Static files as they are sent: compressed, and named by their content, so that browsers may keep them for ever."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

STAMP: Final = "sources"


def collect() -> None:
    """Bring STATIC_ROOT up to date. Costs a second or two after an upgrade and next to nothing otherwise.

    What an older process still serves stays: another content has another name.
    """
    directory: Path = settings.BATCHYARD_STATIC_DIR
    directory.mkdir(parents=True, exist_ok=True)
    stamp, sources = directory / STAMP, digest_of_sources()
    with _locked(directory / "lock"):
        if stamp.exists() and stamp.read_text(encoding="ascii") == sources:
            return
        call_command("collectstatic", verbosity=0, interactive=False)
        stamp.write_text(sources, encoding="ascii")


def digest_of_sources() -> str:
    """Differs as soon as any static file of the site or of its packages has changed."""
    found = hashlib.sha256()
    for finder in finders.get_finders():
        for name, storage in finder.list(None):
            path = storage.path(name)
            told = os.stat(path)
            found.update(f"{path}\0{told.st_size}\0{told.st_mtime_ns}\n".encode())
    return found.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
