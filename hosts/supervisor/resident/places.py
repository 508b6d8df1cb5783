"""Files and times of the host, as supervisor.sh has them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping

# The slot and the line about the process, both overwritten in place, so that a full disk cannot lose them.
SLOT_BYTES = 64
PROCESS_BYTES = 96
LOCK = "supervisor.lock"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def uptime() -> int:
    """Hundredths of a second since boot."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 10_000_000


def uptime_ticks() -> int:
    return uptime() * TICKS_PER_SECOND // 100


def began_ticks(pid: int) -> int:
    """When a process began, in ticks since boot."""
    return int(read(f"/proc/{pid}/stat").rpartition(b") ")[2].split()[19])


def slot(text: str) -> bytes:
    return text.ljust(SLOT_BYTES - 2).encode() + b".\n"


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.readall()


def write(path: str, data: bytes, *, flags: int) -> None:
    """One write, so that what others write does not mix with it. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | flags, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def hide(name: str, secrets: Mapping[str, str]) -> None:
    """Keep a run's secrets, for this account alone. Raises OSError."""
    os.mkdir(f"runs/{name}/secrets", 0o700)
    for secret, text in secrets.items():
        with open(os.open(f"runs/{name}/secrets/{secret}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(as_bytes(text))


def forget(name: str) -> None:
    """Remove a run's secrets, if it has any. What a command has put beside them stays until the client removes it."""
    place = f"runs/{name}/secrets"
    if os.path.isdir(place):
        with contextlib.suppress(OSError):
            for secret in os.listdir(place):
                os.unlink(f"{place}/{secret}")
            os.rmdir(place)


def has_bytes(path: str) -> bool:
    try:
        return os.stat(path).st_size > 0
    except OSError:
        return False


def keep(digest: str, text: bytes) -> None:
    """Keep a script, once. Raises OSError."""
    path = f"scripts/{digest}"
    if not os.path.exists(path):
        part = f"scripts/.{digest}.{os.getpid()}"
        with open(part, "wb") as file:
            file.write(text)
        os.chmod(part, 0o700)
        os.rename(part, path)


@contextlib.contextmanager
def locked(how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Whoever looks for the resident, starts it or ends it takes turns. Raises BlockingIOError if not waiting."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, how)
        yield
        # Said, not left to closing: a process that was started meanwhile may hold it open.
        fcntl.flock(lock, fcntl.LOCK_UN)
    finally:
        os.close(lock)
