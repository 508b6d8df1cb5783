"""Work beside Blender's own: a thread does it, and the main thread takes what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .failures import Failure

Tell = Callable[[str], object]


class Work:
    """At most one thing at a time is under way. All but what is called in its thread belongs to the main thread.

    doing    what is under way, and how far; "" if nothing is
    failure  why the last one did not come to its end; None if it did
    seconds  how long it took
    """

    def __init__(self) -> None:
        self.doing = ""
        self.failure: Failure | None = None
        self.seconds = 0.0
        self._then: Callable[[Any], object] = _nothing
        self._began_seconds = 0.0
        self._ended = threading.Event()
        self._result: list[Any] = []
        self._failure: Failure | None = None

    @property
    def is_busy(self) -> bool:
        return bool(self.doing)

    def start(self, doing: str, call: Callable[[Tell], Any], *, then: Callable[[Any], object]) -> bool:
        """Have `call` called in a thread, and `then` with its result by `pump`. False if something is under way.

        `call` is given a function by which it says how far it is.
        """
        if self.is_busy:
            return False
        self.doing, self.failure = doing, None
        self._then, self._result, self._failure = then, [], None
        self._ended.clear()
        self._began_seconds = time.monotonic()
        # A daemon: Blender may be closed at any moment.
        threading.Thread(target=self._run, args=(call,), name="batchyard", daemon=True).start()
        return True

    def pump(self) -> bool:
        """Take the end, if it has come. Whether something is under way still. Raises what `then` raises but Failure."""
        if self.is_busy and self._ended.is_set():
            self.doing, self.seconds = "", time.monotonic() - self._began_seconds
            try:
                self._finish()
            except Failure as failure:
                self.failure = failure
        return self.is_busy

    def wait(self, seconds: float) -> bool:
        """Wait for the end that `pump` takes. Whether it has come."""
        return self._ended.wait(seconds)

    def _tell(self, doing: str) -> None:
        self.doing = doing

    def _run(self, call: Callable[[Tell], Any]) -> None:
        try:
            self._result = [call(self._tell)]
        except Failure as failure:
            self._failure = failure
        finally:
            self._ended.set()

    def _finish(self) -> None:
        if self._failure is not None:
            raise self._failure
        if not self._result:
            raise Failure("The add-on itself has failed.", hint="Blender's console tells how.", code="fault")
        self._then(self._result[0])


def _nothing(result: Any) -> None:
    """What follows when nothing has been started."""
