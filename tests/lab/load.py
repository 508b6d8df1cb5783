"""Work for the site: jobs of every kind, handed in by several clients that repeat what was not answered."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from typing import Any, Final

from tests.lab.yard import Lab

CLIENTS: Final = 3
SIZES: Final = (0, 100, 5_000, 20_000, 100_000)
REPEAT_SECONDS: Final = 0.3
FORGET_SECONDS: Final = 90.0


class Load:
    """Keeps a few jobs waiting and running at every place until it is told to stop."""

    def __init__(
        self, lab: Lab, *, seed: int, waiting: int = 9, longest_seconds: float = 6.0, has_windows: bool = True
    ) -> None:
        self._lab = lab
        self._chance = random.Random(seed)
        self._waiting = waiting
        self._longest_seconds = longest_seconds
        self._lock = threading.Lock()
        self._open: dict[int, tuple[str, float]] = {}
        self._over = threading.Event()
        self.taken = 0
        places = [f"host:{name}" for name in lab.host_names]
        self._places = [*places, "queue:spread", *(["queue:windowed"] if has_windows else [])]
        self._threads = [threading.Thread(target=self._hand_in, daemon=True, name=f"client{n}") for n in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Hand in nothing more. What was begun is repeated until it is answered."""
        self._over.set()
        for thread in self._threads:
            thread.join(120)

    def _hand_in(self) -> None:
        while not self._over.is_set():
            if (asked := self._next()) is None:
                self._over.wait(0.1)
            else:
                self._submit(*asked)

    def _next(self) -> tuple[str, dict[str, Any]] | None:
        """A job for the place that has least to do; None if all have enough."""
        ended = self._lab.logs.ended()
        with self._lock:
            old = time.time() - FORGET_SECONDS
            self._open = {job: (place, at) for job, (place, at) in self._open.items() if job not in ended and at > old}
            counts = Counter(place for place, _at in self._open.values())
            place = min(self._places, key=lambda one: (counts[one], self._chance.random()))
            if counts[place] >= self._waiting:
                return None
            return place, self._job(place)

    def _job(self, place: str) -> dict[str, Any]:
        chance = self._chance
        kind, name = place.split(":")
        code = 3 if chance.random() < 0.1 else 0
        params = {
            "seconds": f"{chance.uniform(0.3, self._longest_seconds):.2f}", "bytes": str(chance.choice(SIZES)),
            "seed": str(chance.randrange(1 << 30)), "code": str(code),
        }  # fmt: skip
        where = {"queue": "default", "host": name} if kind == "host" else {"queue": name}
        return {**where, "type": "again" if chance.random() < 0.1 else "oracle", "params": params}

    def _submit(self, place: str, job: dict[str, Any]) -> None:
        """Hand one job in, with one key, until it is answered."""
        key = str(uuid.uuid4())
        body = {**job, "notes": key}
        pause = threading.Event()
        answers: list[list[object]] = []
        ports = self._lab.site.ports
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            begun = time.monotonic()
            answer = self._lab.site.ask("POST", "/api/v1/jobs", body, port=ports[len(answers) % len(ports)], key=key)
            answers.append([answer.status, round(time.monotonic() - begun, 3), "Retry-After" in answer.headers])
            if answer.status == 201:
                number = answer.json["id"]
                with self._lock:
                    self._open[number] = (place, time.time())
                    self.taken += 1
                self._lab.requests.write(key=key, id=number, at=time.time(), answers=answers, **job)
                return
            if answer.status not in {0, 503}:
                text = answer.body[:300].decode(errors="replace")
                self._lab.requests.write(key=key, id=None, at=time.time(), answers=answers, said=text, **job)
                return
            pause.wait(REPEAT_SECONDS)
        self._lab.requests.write(key=key, id=None, at=time.time(), answers=answers, said="never answered", **job)
