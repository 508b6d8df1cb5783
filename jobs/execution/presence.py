"""Which engines are alive: each says so every few seconds, by the database's clock."""

from __future__ import annotations

import functools
import os
import secrets
import socket
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.db.models.functions import Now

from jobs.measures.reporting import memory_bytes
from jobs.models import Engine

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
PIDS: Final = Path("/proc/self/ns/pid")

ALIVE: Final = timedelta(seconds=15)
FORGET: Final = timedelta(hours=1)
CLOCK_LIMIT_MS: Final = 2**31 - 1


def engine_name() -> str:
    """A name that no other engine has or will have: machine, place of its pid, pid, and chance."""
    return f"{socket.gethostname()[:40]}.{_pid_place()}.{os.getpid()}.{secrets.token_hex(3)}"


def is_dead(name: str) -> bool:
    """Whether an engine is known to be gone: it ran where we run, and its pid is nobody's.

    False where that cannot be known. Lets the next engine after a kill -9 go on at once instead of
    waiting for leases to run out.
    """
    place, _, rest = name.partition(f".{_pid_place()}.")
    pid = rest.partition(".")[0]
    return bool(place) and pid.isdecimal() and not Path(f"/proc/{pid}").exists()


@functools.cache
def _pid_place() -> str:
    """One boot of one machine and one name space of pids: what makes a pid mean one process."""
    return f"{BOOT_ID.read_text()[:8]}-{PIDS.stat().st_ino}"


def report(name: str, *, clock_off: timedelta = timedelta(0)) -> None:
    """This engine is alive, its clock so far ahead. Those that have not been heard of for long are forgotten."""
    off = round(clock_off.total_seconds() * 1000)
    off = max(-CLOCK_LIMIT_MS, min(off, CLOCK_LIMIT_MS))
    told = {"seen_at": Now(), "clock_off_ms": off, "memory_bytes": memory_bytes()}
    if not Engine.objects.filter(pk=name).update(**told):
        Engine.objects.create(pk=name, started_at=Now(), **told)
        Engine.objects.filter(seen_at__lt=Now() - FORGET).delete()


def withdraw(name: str) -> None:
    """This engine ends."""
    Engine.objects.filter(pk=name).delete()


def alive() -> int:
    """How many engines have reported lately."""
    # What was seen later than now was seen before the clock was put back.
    return Engine.objects.filter(seen_at__gte=Now() - ALIVE, seen_at__lte=Now() + ALIVE).count()
