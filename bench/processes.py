"""What /proc tells about processes: children, memory, processor time, and whose they are."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.rows import NotMeasured

PROC: Final = Path("/proc")
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
GONE_SECONDS: Final = 15.0


def until(is_so: Callable[[], bool], *, seconds: float, what: str, pause_seconds: float = 0.02) -> None:
    """Wait until `is_so`. Raises NotMeasured after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise NotMeasured(f"Not within {seconds:g} s: {what}.")
        time.sleep(pause_seconds)


def family(pid: int) -> list[int]:
    """`pid` and all that descends from it and still lives."""
    found = [pid]
    for parent in found:
        for listed in PROC.glob(f"{parent}/task/*/children"):
            found += [int(child) for child in _read(listed).split()]
    return [one for one in found if (PROC / str(one)).exists()]


def words(pid: int) -> str:
    """The command line of a process; empty if it has ended."""
    return _read(PROC / str(pid) / "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def pss_bytes(pid: int) -> int:
    """Its share of memory: private pages, and shared ones divided among those that share them."""
    for line in _read(PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def rss_bytes(pid: int) -> int:
    fields = _read(PROC / str(pid) / "statm").split()
    return int(fields[1]) * PAGE_BYTES if fields else 0


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of its children that it has reaped."""
    fields = _read(PROC / str(pid) / "stat").rpartition(b")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_SECOND


def belonging(*, directory: Path, marks: Sequence[str] = ()) -> list[int]:
    """Processes whose environment, command line or working directory lies in `directory`, or that carry a mark."""
    sought = [os.fsencode(directory), *(mark.encode() for mark in marks)]
    numbers = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if pid != os.getpid() and any(text in _traces(pid) for text in sought)]


def _traces(pid: int) -> bytes:
    place = PROC / str(pid)
    try:
        directory = os.fsencode(os.readlink(place / "cwd"))
    except OSError:
        directory = b""
    return b"\0".join((_read(place / "environ"), _read(place / "cmdline"), directory))


def end_all(find: Callable[[], list[int]]) -> None:
    """Kill what `find` finds, again and again, until it finds nothing. Raises NotMeasured if that does not help."""

    def are_gone() -> bool:
        pids = find()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not pids

    until(are_gone, seconds=GONE_SECONDS, what="all processes of the site have ended", pause_seconds=0.1)


def _read(path: Path) -> bytes:
    """The content; empty if the process has ended in the meantime or is not ours."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
