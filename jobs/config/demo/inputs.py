"""The files that the example's jobs are given. Each takes the place of an older one at once."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from jobs.config.demo.kinds import FOLDER, example
from jobs.queueing.file_roots import roots

SOURCES: Final = ("Makefile", "expected", "main.c", "sieve.c", "sieve.h")


def folder() -> Path:
    """Where the example's files are, in the first file root."""
    return roots()[0] / FOLDER


def write_inputs() -> None:
    """Make the files anew; a job that reads one of them keeps the one it has."""
    folder().mkdir(parents=True, exist_ok=True)
    _write("exclude.txt", lambda draft: shutil.copyfile(example("backup/exclude.txt"), draft))
    _write("primes.tar.gz", _pack)
    _write("orders.sqlite3", _fill)


def _write(name: str, make: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=folder()) as drafts:
        draft = Path(drafts) / name
        make(draft)
        os.replace(draft, folder() / name)


def _pack(draft: Path) -> None:
    with tarfile.open(draft, "w:gz") as archive:
        for name in SOURCES:
            archive.add(example("primes") / name, arcname=f"primes/{name}")


def _fill(draft: Path) -> None:
    with closing(sqlite3.connect(draft)) as database:
        database.executescript(example("report/orders.sql").read_text(encoding="utf-8"))
