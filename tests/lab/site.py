"""The site under test: its processes, kept running as an init system would, and a client that talks to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import psutil

from tests.lab.host import run
from tests.lab.servers import Postgres, Redis, Server
from tests.scenarios.site import ROOT, free_port, until

DATA_SIZE: Final = "1g"
PROGRAM: Final = ("manage.py", "accounts", "hosts", "jobs", "scheduler_site", "templates", "static")
RESTART_SECONDS: Final = 1.0
READY_SECONDS: Final = 180.0
# How a process of each kind is known by its command line.
KINDS: Final = {
    "web": r"scheduler_site\.web",
    "engine": r"-m scheduler_site\.engine",
    "beat": r"-m celery .* beat",
    "launcher": r"scheduler_site\.embedded",
    "broker": r"redis-server",
}

Shape = Literal["site", "embedded"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an edge answered. Status 0: nothing came, and `problem` says why."""

    status: int
    body: bytes
    headers: http.client.HTTPMessage
    problem: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Part:
    """One process that is started again when it ends, unless it is held down."""

    name: str
    words: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    is_wanted: bool = False
    starts: int = 0

    def start(self, code: Path) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(code / "manage.py"), "serve", *self.words],
                env=self.environment, cwd=self.log.parent,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.is_wanted = True
        self.starts += 1

    @property
    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None


class LabSite:
    """A site of one of two shapes. `directory` holds its data, its servers and its logs."""

    def __init__(self, shape: Shape, directory: Path, *, variables: dict[str, str] | None = None) -> None:
        self.shape: Shape = shape
        self.directory = directory
        self.data = directory / "var"
        self.code = directory / "program"
        self.token = ""
        self.ports = [free_port(), free_port()][: 2 if shape == "site" else 1]
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        self._variables = variables or {}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.parts: list[Part] = []

    # --- life ---

    def start(self) -> None:
        """Everything, in order; and from now on again whatever ends."""
        self.data.mkdir(parents=True, exist_ok=True)
        copy_program(ROOT, self.code)
        # A disk of its own, so that it can be full.
        run("mount", "-t", "tmpfs", "-o", f"size={DATA_SIZE},mode=700", "tmpfs", self.data)
        if self.shape == "site":
            self.postgres, self.redis = Postgres(self.directory / "postgres"), Redis(self.directory / "redis")
            self.postgres.start()
            self.redis.start()
            self.manage("migrate")
            self.manage("first_start")
        for name, words, port in self._plan():
            environment = self.environment(port)
            self.parts.append(Part(name, words, environment, self.directory / f"{name}.log"))
        for part in self.parts:
            part.start(self.code)
        until(self.is_healthy, seconds=READY_SECONDS, what=f"the site answers; see {self.directory}")
        self.token = self.manage("create_token", "admin").strip()
        threading.Thread(target=self._keep, name="keeper", daemon=True).start()

    def _plan(self) -> list[tuple[str, tuple[str, ...], int]]:
        if self.shape == "embedded":
            return [("serve", ("all",), self.ports[0])]
        kinds = [("web", 2), ("engine", 2), ("beat", 2)]
        return [
            (f"{kind}{n}", (kind,), self.ports[n] if kind == "web" else 0)
            for kind, count in kinds
            for n in range(count)
        ]

    def environment(self, port: int = 0) -> dict[str, str]:
        """What a process of the site is told."""
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        told = {
            "BATCHYARD_DATA_DIR": str(self.data), "BATCHYARD_BIND": f"127.0.0.1:{port or free_port()}",
            "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        if self.postgres is not None and self.redis is not None:
            told |= {"DATABASE_URL": self.postgres.url, "CELERY_BROKER_URL": self.redis.url}
        return {**keep, **told, **self._variables}

    def manage(self, *words: str, code: Path | None = None) -> str:
        done = subprocess.run(
            [sys.executable, str((code or self.code) / "manage.py"), *words],
            env=self.environment(), cwd=self.directory, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _keep(self) -> None:
        """Start again what has ended, a moment later."""
        ended: dict[str, float] = {}
        while not self._over.wait(0.1):
            with self._lock:
                for part in self.parts:
                    if not (part.is_wanted and part.has_ended):
                        ended.pop(part.name, None)
                    elif time.monotonic() - ended.setdefault(part.name, time.monotonic()) > RESTART_SECONDS:
                        part.start(self.code)

    def stop(self) -> None:
        """Take everything down."""
        self._over.set()
        with self._lock:
            for part in self.parts:
                part.is_wanted = False
        for process in self.processes():
            kill(process)
        for server in self.servers:
            server.signal(signal.SIGCONT)
            server.kill()

    @property
    def servers(self) -> list[Server]:
        return [server for server in (self.postgres, self.redis) if server is not None]

    # --- processes ---

    def processes(self, kind: str = "") -> list[psutil.Process]:
        """Processes of the site, of one kind if that is said."""
        found = []
        for part in self.parts:
            if part.process is not None and part.process.poll() is None:
                own = psutil.Process(part.process.pid)
                found += [own, *_children(own)]
        return [p for p in found if not kind or re.search(KINDS[kind], " ".join(_words(p)))]

    def part(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)

    def hold_down(self, parts: Sequence[Part]) -> None:
        """Kill parts and keep them down."""
        with self._lock:
            for part in parts:
                part.is_wanted = False
        for part in parts:
            assert part.process is not None
            part.process.kill()
            part.process.wait(20)

    def let_up(self, parts: Sequence[Part]) -> None:
        with self._lock:
            for part in parts:
                if not part.is_wanted:
                    part.start(self.code)

    # --- talking ---

    def is_healthy(self) -> bool:
        return all(self.ask("GET", "/healthz", port=port, seconds=3).status == 200 for port in self.ports)

    def ask(
        self, method: str, path: str, body: Any = None, *, port: int = 0, seconds: float = 30, key: str = ""
    ) -> Answer:
        """One request to one edge, whatever comes of it."""
        line = http.client.HTTPConnection("127.0.0.1", port or self.ports[0], timeout=seconds)
        headers = {"Content-Type": "application/json", "Authorization": f"Token {self.token}"}
        if not self.token:
            del headers["Authorization"]
        if key:
            headers["Idempotency-Key"] = key
        try:
            line.request(method, path, None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            return Answer(answer.status, answer.read(), answer.headers)
        except (OSError, http.client.HTTPException) as problem:
            return Answer(0, b"", http.client.HTTPMessage(), repr(problem))
        finally:
            line.close()

    def call(self, method: str, path: str, body: Any = None, *, seconds: float = 60) -> Any:
        """The JSON of an answer that has to come, from whichever edge gives it first."""
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while True:
            for port in self.ports:
                answer = self.ask(method, f"/api/v1/{path}", body, port=port)
                if answer.status in {200, 201, 202}:
                    return answer.json
            if answer.status not in {0, 503} or time.monotonic() > deadline:
                raise RuntimeError(f"{method} {path}: {answer.status} {answer.body[:500]!r}")
            pause.wait(0.3)


def copy_program(source: Path, target: Path) -> None:
    """The program as it is at this moment: who works on it meanwhile does not change what is being tested."""
    target.mkdir()
    for name in PROGRAM:
        run("cp", "-a", source / name, target)


def kill(process: psutil.Process) -> None:
    """kill -9, if it is still there."""
    try:
        process.kill()
        process.wait(20)
    except psutil.NoSuchProcess:
        return


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
