"""How often something may be done, counted in this process alone: limits are per web process."""

from __future__ import annotations

import threading
from typing import Final

KEYS_LIMIT: Final = 10_000


class Rate:
    """At most so many a minute for each key, evenly or at once: what was not used is kept for one minute."""

    def __init__(self, *, per_minute: int) -> None:
        self.per_minute = per_minute
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str, *, at: float) -> float:
        """Take one. 0 if there was one; otherwise nothing is taken, and it is how many seconds it will be.

        at  seconds of a clock that never goes back
        """
        per_second = self.per_minute / 60
        with self._lock:
            left, seen = self._left.pop(key, (float(self.per_minute), at))
            left = min(float(self.per_minute), left + (at - seen) * per_second)
            wait_seconds = 0.0 if left >= 1 else (1 - left) / per_second
            self._left[key] = (left if wait_seconds else left - 1, at)
            if len(self._left) > KEYS_LIMIT:
                # The one that was away longest, which has most likely all of its minute again.
                del self._left[next(iter(self._left))]
        return wait_seconds
