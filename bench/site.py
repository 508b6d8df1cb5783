"""A whole embedded site in a directory of its own, driven from outside."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from bench.client import Client
from bench.processes import belonging, end_all, family, until
from bench.rows import NotMeasured, Plan

ROOT: Final = Path(__file__).resolve().parents[1]
READY_SECONDS: Final = 180.0
STOP_SECONDS: Final = 20.0
INSIDE_SECONDS: Final = 900.0
SEATS: Final = 8
QUEUE: Final = "default"
LAST_LINES: Final = 40


class Site:
    """Prepares, starts and stops one site; looks at its rows without asking it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None

    @property
    def data_directory(self) -> Path:
        return self.directory / "var"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
        own = {"BATCHYARD_DATA_DIR": str(self.data_directory), "BATCHYARD_BIND": f"127.0.0.1:{self.port}"}
        return {**kept, **own, "DJANGO_SETTINGS_MODULE": "scheduler_site.settings", "PYTHONPATH": str(ROOT)}

    def prepare(self) -> None:
        """Make its rows without starting it."""
        self._run(str(ROOT / "manage.py"), "migrate", "--verbosity", "0")
        self._run(str(ROOT / "manage.py"), "first_start")

    def inside(self, action: str, **told: object) -> Any:
        """What `bench.inside` answers, in a process of its own with the site's settings."""
        return json.loads(self._run("-m", "bench.inside", action, json.dumps(told)).splitlines()[-1])

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], env=self.environment, cwd=self.directory,
            capture_output=True, text=True, timeout=INSIDE_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode:
            raise NotMeasured(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def start(self) -> None:
        """All parts of it, until it is healthy, with 8 seats on this machine."""
        with (self.directory / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "serve", "all"], env=self.environment, cwd=self.directory,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        until(self._is_healthy, seconds=READY_SECONDS, what="the site is healthy", pause_seconds=0.1)
        self._client = Client(self.port, token=self.inside("token"))
        self.client.patch("hosts/localhost", {"seats": SEATS})

    def _is_healthy(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise NotMeasured(f"The site ended with status {self._process and self._process.returncode}.")
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == http.HTTPStatus.OK
            except OSError:
                return False

    def last_words(self) -> str:
        """The end of its log; empty if it never ran."""
        log = self.directory / "serve.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([*lines[-LAST_LINES:], ""])

    @property
    def client(self) -> Client:
        """The connection that the bench keeps open. Raises NotMeasured if the site does not run."""
        if self._client is None:
            raise NotMeasured("The site was not started.")
        return self._client

    @property
    def pids(self) -> list[int]:
        """The launcher and what descends from it; jobs do not."""
        return family(self._process.pid) if self._process else []

    def stop(self) -> None:
        """End all of it, and what it left running on this machine."""
        if self._client is not None:
            self._client.close()
        marks = self.marks
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        end_all(lambda: belonging(directory=self.directory, marks=marks))

    @property
    def marks(self) -> list[str]:
        """What the environment of each of its runs holds: the number that each place of runs gave itself."""
        return [f"BATCHYARD_MARK=:{path.read_text().strip()}:" for path in self.directory.rglob("id")]

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """An answer of the database, read past the site so that asking costs it nothing."""
        path = self.data_directory / "batchyard.sqlite3"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(question, values).fetchall()

    def wait_finished(self, ids: list[int], *, seconds: float) -> None:
        """Wait until all of the jobs have ended, in whatever state."""
        # The last are looked at first, as they end last: to count all of them would take a good part of a processor.
        question = "SELECT id FROM jobs_job WHERE id BETWEEN ? AND ? AND finished_at IS NULL ORDER BY id DESC LIMIT 1"

        def are_finished() -> bool:
            return not self.rows(question, ids[0], ids[-1])

        until(are_finished, seconds=seconds, what=f"jobs {ids[0]} to {ids[-1]} have ended", pause_seconds=0.05)

    def running(self) -> int:
        """How many runs are known to have started and not to have ended."""
        question = "SELECT count(*) FROM jobs_attempt WHERE finished_at IS NULL AND started_at IS NOT NULL"
        return int(self.rows(question)[0][0])

    def wait_running(self, count: int, *, seconds: float) -> None:
        """Wait until so many runs are running at once."""
        until(lambda: self.running() == count, seconds=seconds, what=f"{count} jobs run", pause_seconds=0.2)

    def define_type(self, name: str, *, template: str) -> None:
        self.client.post("job-types", {"name": name, "template": template, "params": []})

    def submit(self, type_: str, *, count: int, queue: str = QUEUE) -> list[int]:
        """Ids of new jobs, taken in at once."""
        jobs = [{"queue": queue, "type": type_}] * count
        return list(self.client.post("jobs/bulk", {"jobs": jobs})["ids"])


@contextmanager
def new_site(plan: Plan) -> Iterator[Site]:
    """A site that has not been started, in a directory that stays as long as the plan's."""
    directory = Path(tempfile.mkdtemp(prefix="site-", dir=plan.directory))
    site = Site(directory)
    try:
        yield site
    except BaseException:
        # The directory goes; what the site said about it must not.
        sys.stderr.write(site.last_words())
        raise
    finally:
        site.stop()


@contextmanager
def running_site(plan: Plan) -> Iterator[Site]:
    """A site that is up and healthy."""
    with new_site(plan) as site:
        site.start()
        yield site


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
