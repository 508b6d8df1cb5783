"""A process that writes to a SQLite database through the site's backend.

python -m tests.site.writer DATABASE "count N" | "busy SECONDS" | "hold" | "hold and fork"
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from scheduler_site.sqlite.base import DatabaseWrapper


def open_database(path: Path, *, timeout_seconds: float = 20.0) -> DatabaseWrapper:
    """A connection as the site's settings describe one."""
    description: dict[str, Any] = {
        "NAME": str(path),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": timeout_seconds},
        "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "TIME_ZONE": None,
        "TEST": {"NAME": None},
    }
    return DatabaseWrapper(description, alias="fair")


def add_one(database: DatabaseWrapper) -> None:
    """Read the counter, then write it, in one transaction."""
    with database.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        count = cursor.execute("SELECT value FROM counter").fetchone()[0]
        cursor.execute("UPDATE counter SET value = %s", [count + 1])
        cursor.execute("COMMIT")


def write_for(database: DatabaseWrapper, *, seconds: float) -> int:
    """How many transactions this process got within `seconds`, asking for the next one at once."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        add_one(database)
        count += 1
    return count


def hold(database: DatabaseWrapper, *, has_child: bool) -> None:
    """Begin a transaction, say so, and never end it."""
    database.cursor().execute("BEGIN IMMEDIATE")
    child = os.fork() if has_child else None
    if child != 0:
        sys.stdout.write(f"{child or 'held'}\n")
        sys.stdout.flush()
    signal.pause()


def main(path: Path, mode: str) -> None:
    """Do what `mode` says."""
    settings.configure(USE_TZ=True)
    database = open_database(path)
    word, _, rest = mode.partition(" ")
    if word == "count":
        for _turn in range(int(rest)):
            add_one(database)
        sys.stdout.write("done\n")
    elif word == "busy":
        sys.stdout.write(f"{write_for(database, seconds=float(rest))}\n")
    else:
        hold(database, has_child=bool(rest))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
