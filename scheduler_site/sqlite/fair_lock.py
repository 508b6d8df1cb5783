"""A lock between processes and threads that is handed on in turn, with a deadline.

SQLite's own waiting is a lottery: who has just written comes first again, and a busy writer starves the
others. Here a writer passes a turnstile (one file) before it waits for the lock (another): who waits for
the lock keeps the turnstile, so the last holder has to queue behind it.
"""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from pathlib import Path

SHORTEST_WAIT_SECONDS = 0.0002
LONGEST_WAIT_SECONDS = 0.002
# After this long a writer tries the lock without the turnstile: who holds it may be stopped for good.
PATIENCE_SECONDS = 1.0

_open_locks: weakref.WeakSet[FairLock] = weakref.WeakSet()


class FairLock:
    """Two `flock`s on files next to `path`. One object for each connection; it is not re-entrant.

    The kernel frees what a killed process held. A forked child starts without it, so the parent's end
    frees it as well.
    """

    def __init__(self, path: Path, *, timeout_seconds: float) -> None:
        self._turnstile_path = f"{path}.turnstile"
        self._lock_path = f"{path}.lock"
        self._timeout_seconds = timeout_seconds
        self._turnstile: int | None = None
        self._lock: int | None = None
        self.is_held = False
        _open_locks.add(self)

    def acquire(self) -> bool:
        """True once this object holds the lock. False if that took longer than its timeout."""
        if self._lock is None or self._turnstile is None:
            self._lock, self._turnstile = _open(self._lock_path), _open(self._turnstile_path)
        self.is_held = self._pass(turnstile=self._turnstile, lock=self._lock)
        return self.is_held

    def _pass(self, *, turnstile: int, lock: int) -> bool:
        begun = time.monotonic()
        wait_seconds = SHORTEST_WAIT_SECONDS
        has_turnstile = False
        try:
            while True:
                has_turnstile = has_turnstile or _try(turnstile)
                waited_seconds = time.monotonic() - begun
                if (has_turnstile or waited_seconds > PATIENCE_SECONDS) and _try(lock):
                    return True
                if waited_seconds > self._timeout_seconds:
                    return False
                time.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 1.5, LONGEST_WAIT_SECONDS)
        finally:
            if has_turnstile:
                fcntl.flock(turnstile, fcntl.LOCK_UN)

    def release(self) -> None:
        """Let the next one in. Nothing happens if it is not held."""
        if self.is_held and self._lock is not None:
            self.is_held = False
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release it and close its files; they are opened again when needed."""
        self.release()
        self.forget()

    def forget(self) -> None:
        """Close the files without unlocking: in a forked child they are the parent's as well."""
        for descriptor in (self._lock, self._turnstile):
            if descriptor is not None:
                os.close(descriptor)
        self._lock = self._turnstile = None
        self.is_held = False

    def __del__(self) -> None:
        self.forget()


def _open(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_all() -> None:
    for lock in tuple(_open_locks):
        lock.forget()


os.register_at_fork(after_in_child=_forget_all)
