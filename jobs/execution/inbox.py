"""What other threads leave for a host's session, with a descriptor that wakes its selector."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Generic, TypeVar

from django.db import connection

Result = TypeVar("Result")


class Inbox(Generic[Result]):
    """Results of the pool and rings from outside, taken by one thread."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._done: deque[Future[Result]] = deque()
        self._open: set[Future[Result]] = set()
        self._read_end, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._read_end

    def ring(self) -> None:
        """Wake the taker. From any thread; a ring on a closed inbox is lost, as nobody listens."""
        # Full means that it is awake already.
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._write_end, b"!")

    def hush(self) -> bool:
        """Forget the rings. True if there was one."""
        try:
            return bool(os.read(self._read_end, 4096))
        except BlockingIOError:
            return False

    def give(self, work: Callable[[], Result]) -> None:
        """Have the pool do `work`; its result arrives here. Only the taker may call this."""
        future = self._pool.submit(_with_connection_closed, work)
        self._open.add(future)
        future.add_done_callback(self._arrived)

    def _arrived(self, future: Future[Result]) -> None:
        self._done.append(future)
        self.ring()

    def take(self) -> list[Result]:
        """The results that have come. Raises what the work raised."""
        results = []
        while self._done:
            future = self._done.popleft()
            self._open.discard(future)
            results.append(future.result())
        return results

    def close(self) -> None:
        """Wait for what is under way (its connection is closed by now, so it ends soon), then close."""
        for future in self._open:
            future.cancel()
        wait(self._open)
        os.close(self._read_end)
        os.close(self._write_end)


def _with_connection_closed(work: Callable[[], Result]) -> Result:
    """Do `work` in a thread of the pool without keeping a database connection for each of them."""
    try:
        return work()
    finally:
        connection.close()
