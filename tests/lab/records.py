"""What a run leaves behind: files of one JSON object a line, written at once so that nothing goes with the driver."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any


class Ledger:
    """A file of JSON lines that is only appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def write(self, **facts: Any) -> dict[str, Any]:
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps(facts, default=str) + "\n")
        return facts


class OracleLogs:
    """What the hosts say of starts and ends, read as it grows."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._offsets: dict[Path, int] = {}
        self._lock = threading.Lock()
        self.starts: list[dict[str, Any]] = []
        self.ends: list[dict[str, Any]] = []

    def read(self) -> None:
        with self._lock:
            for path in sorted(self._directory.glob("*.log")):
                with path.open("rb") as file:
                    file.seek(self._offsets.get(path, 0))
                    data = file.read()
                whole = data[: data.rfind(b"\n") + 1]
                self._offsets[path] = self._offsets.get(path, 0) + len(whole)
                for line in map(json.loads, whole.splitlines()):
                    (self.starts if line["word"] == "start" else self.ends).append(line)

    def running(self) -> int:
        """How many have begun and not ended; those that a reboot ended are counted for a minute."""
        self.read()
        with self._lock:
            ended = {(line["job"], line["attempt"]) for line in self.ends}
            recent = time.time() - 60
            return sum((s["job"], s["attempt"]) not in ended and s["at"] > recent for s in self.starts)

    def started_since(self, moment: float, *, host: str = "") -> bool:
        """Whether something has begun after `moment`, on `host` if that is said."""
        self.read()
        with self._lock:
            return any(line["at"] > moment and host in ("", line["host"]) for line in reversed(self.starts[-400:]))

    def count_since(self, moment: float) -> int:
        """How many have begun after `moment`."""
        self.read()
        with self._lock:
            return sum(line["at"] > moment for line in self.starts)

    def ended(self) -> set[int]:
        self.read()
        with self._lock:
            return {line["job"] for line in self.ends}
