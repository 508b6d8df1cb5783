"""A whole Batchyard in its own directory, driven from outside: processes, HTTP and signals only."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import psutil

from tests.servers.processes import command_line

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 180.0
# All sites of all tests share it: what is collected depends on the checkout alone.
STATIC_DIRECTORY = Path(tempfile.gettempdir()) / f"batchyard-tests-static-{os.getuid()}-{crc32(os.fsencode(ROOT)):08x}"

Found = TypeVar("Found")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(found: Callable[[], Found | None], *, seconds: float, what: str) -> Found:
    """What `found` returns once that is true. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if result := found():
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)  # the one place where tests wait, always for a condition and with a deadline


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class SiteUnderTest:
    """Starts, stops and kills all processes of one site; talks to it with a token."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    token: str = ""
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def log(self) -> Path:
        return self.directory / "serve.log"

    def env(self) -> dict[str, str]:
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
        return {
            **keep,
            "BATCHYARD_DATA_DIR": str(self.directory / "var"),
            "BATCHYARD_BIND": f"127.0.0.1:{self.port}",
            "BATCHYARD_STATIC_DIR": str(STATIC_DIRECTORY),
            "PYTHONUNBUFFERED": "1",
            **self.environment,
        }

    def manage(self, *words: str, timeout_seconds: float = 180) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words],
            env=self.env(), cwd=self.directory, capture_output=True, text=True, timeout=timeout_seconds, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"manage.py {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, part: str = "all") -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "serve", part],
                env=self.env(), cwd=self.directory, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.starts += 1
        until(self._is_ready, seconds=READY_SECONDS, what=f"the site answers; see {self.log}")
        if not self.token:
            self.token = self.manage("create_token", "admin").strip()

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"serve ended: {self.log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def processes(self) -> list[psutil.Process]:
        """The launcher and everything beneath it; what runs on hosts is detached and not among them."""
        if self.process is None or not psutil.pid_exists(self.process.pid):
            return []
        launcher = psutil.Process(self.process.pid)
        return [launcher, *launcher.children(recursive=True)]

    def kill(self, *, matching: str = "") -> None:
        """kill -9 of every process of the site, or of those whose command line contains `matching`."""
        doomed = [p for p in self.processes() if not matching or re.search(matching, command_line(p))]
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(doomed, timeout=10)
        if not matching and self.process is not None:
            self.process.wait(10)

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C would. Its exit status."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        told = {"Authorization": f"Token {self.token}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/{path}", data=data, method=method, headers=told
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return Answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.read(), dict(refused.headers))

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer.body
        return answer.json

    def post(self, path: str, body: Any = None, *, expect: int = 201) -> Any:
        answer = self.call("POST", path, body if body is not None else {})
        assert answer.status == expect, (answer.status, answer.body)
        return answer.json

    def submit(self, command: str, *, queue: str = "default", **fields: Any) -> int:
        told = {"queue": queue, "type": "command", "params": {"command": command}, **fields}
        return int(self.post("jobs", told)["id"])

    def submit_many(self, jobs: list[dict[str, Any]]) -> list[int]:
        return list(self.post("jobs/bulk", {"jobs": jobs})["ids"])

    def job(self, number: int) -> Any:
        return self.get(f"jobs/{number}")

    def finished(self, numbers: list[int], *, seconds: float) -> list[Any]:
        """The jobs once all of them have ended."""
        left = set(numbers)
        done: dict[int, Any] = {}

        def all_done() -> bool:
            for number in sorted(left):
                job = self.job(number)
                if job["finished_at"] is None:
                    return False
                done[number] = job
                left.discard(number)
            return True

        until(all_done, seconds=seconds, what=f"jobs {sorted(left)[:10]} end")
        return [done[number] for number in numbers]

    def output(self, number: int, stream: str = "stdout") -> bytes:
        """All of one stream of the last attempt."""
        return b"".join(self._chunks(number, stream))

    def _chunks(self, number: int, stream: str) -> Iterator[bytes]:
        offset = 0
        while True:
            answer = self.call("GET", f"jobs/{number}/output?stream={stream}&offset={offset}&limit={1 << 20}")
            assert answer.status == 200, answer.body
            if not answer.body:
                return
            yield answer.body
            offset += len(answer.body)
