"""Work for the site: jobs of every kind, handed in by several clients that repeat what was not answered."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from typing import Any, Final

from tests.lab.site import Answer
from tests.lab.yard import Lab

CLIENTS: Final = 3
SIZES: Final = (0, 100, 5_000, 20_000, 100_000)
REPEAT_SECONDS: Final = 0.3
FORGET_SECONDS: Final = 90.0
BURST: Final = 30
BURST_SECONDS: Final = 3.0


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
        places = [f"host:{name}" for name in lab.host_names if name != lab.brisk]
        self._places = [*places, "queue:spread", *(["queue:windowed"] if has_windows else [])]
        self._threads = [threading.Thread(target=self._hand_in, daemon=True, name=f"client{n}") for n in range(CLIENTS)]
        if lab.brisk is not None:
            self._threads.append(threading.Thread(target=self._hand_in_bursts, args=(lab.brisk,), daemon=True))

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

    def _hand_in_bursts(self, host: str) -> None:
        """Many short jobs at once, whenever most of those before have ended."""
        place = f"host:{host}"
        while not self._over.wait(BURST_SECONDS):
            ended = self._lab.logs.ended()
            with self._lock:
                # Not all of them: what is lost with its host never says that it has ended.
                left = sum(where == place and job not in ended for job, (where, _at) in self._open.items())
                jobs = [self._short_job(host) for _ in range(BURST)]
            if left < BURST // 2:
                self._submit_list(place, jobs)

    def _short_job(self, host: str) -> dict[str, Any]:
        size, seed = str(self._chance.choice(SIZES[:3])), str(self._chance.randrange(1 << 30))
        params = {"seconds": f"{self._chance.uniform(0, 0.1):.3f}", "bytes": size, "seed": seed, "code": "0"}
        return {"queue": "default", "host": host, "type": "oracle", "params": params}

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
        answer, told = self._ask("/api/v1/jobs", {**job, "notes": key}, key=key)
        numbers = [answer.json["id"]] if answer is not None and answer.status == 201 else [None]
        self._note(place, [(key, job)], numbers, **told)

    def _submit_list(self, place: str, jobs: list[dict[str, Any]]) -> None:
        """Hand a list in, all or nothing, with one key, until it is answered."""
        key = str(uuid.uuid4())
        named = [(f"{key}-{n}", job) for n, job in enumerate(jobs)]
        body = {"jobs": [{**job, "notes": note} for note, job in named]}
        answer, told = self._ask("/api/v1/jobs/bulk", body, key=key)
        numbers = answer.json["ids"] if answer is not None and answer.status == 201 else [None] * len(jobs)
        self._note(place, named, numbers, **told)

    def _ask(self, path: str, body: dict[str, Any], *, key: str) -> tuple[Answer | None, dict[str, Any]]:
        """Ask until it is answered: the answer (None: never), and what the ledger is to know of it."""
        pause = threading.Event()
        answers: list[list[object]] = []
        ports = self._lab.site.ports
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            begun = time.monotonic()
            answer = self._lab.site.ask("POST", path, body, port=ports[len(answers) % len(ports)], key=key)
            answers.append([answer.status, round(time.monotonic() - begun, 3), "Retry-After" in answer.headers])
            if answer.status == 201:
                return answer, {"answers": answers}
            if answer.status not in {0, 503}:
                return answer, {"answers": answers, "said": answer.body[:300].decode(errors="replace")}
            pause.wait(REPEAT_SECONDS)
        return None, {"answers": answers, "said": "never answered"}

    def _note(self, place: str, jobs: list[tuple[str, dict[str, Any]]], numbers: list[int | None], **told: Any) -> None:
        """Into the ledger: what was asked and what became of it. The answers of a list stand with its first job."""
        for (key, job), number in zip(jobs, numbers, strict=True):
            if number is not None:
                with self._lock:
                    self._open[number] = (place, time.time())
                    self.taken += 1
            self._lab.requests.write(key=key, id=number, at=time.time(), **told, **job)
            told["answers"] = []
