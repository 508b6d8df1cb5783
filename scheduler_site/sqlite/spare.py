"""SQLite connections that nobody uses now.

To open one, and to teach it Django's functions, takes longer than most requests.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from pathlib import Path
from typing import Final

from scheduler_site.sqlite.fair_lock import FairLock

LIMIT: Final = 8

Opened = tuple[sqlite3.Connection, FairLock]


class Spares:
    """Keeps a few connections with their locks, the last used first. Any thread may give and take."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], deque[Opened]] = {}

    def take(self, path: Path, *, seen_as: str) -> Opened | None:
        """A connection of this process to the file that is there now, opened in that way. None if there is none."""
        kept = self._kept.get(_key(path, seen_as), ())
        try:
            return kept.pop() if kept else None
        except IndexError:
            return None  # another thread was first

    def give(self, path: Path, opened: Opened, *, seen_as: str) -> bool:
        """Whether it is kept; if not, it is still the caller's to close."""
        connection, _lock = opened
        is_as_opened = connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        kept = self._kept.setdefault(_key(path, seen_as), deque())
        if not is_as_opened or len(kept) >= LIMIT:
            return False
        kept.append(opened)
        return True


def _key(path: Path, seen_as: str) -> tuple[int, str]:
    """Of this process, as SQLite's connections do not survive a fork; and of the file, not of its name alone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return os.getpid(), seen_as
    return os.getpid(), f"{seen_as} {found.st_dev}:{found.st_ino}"


SPARES: Final = Spares()
