"""A site on PostgreSQL and a Redis of its own: every part several times, started and stopped by itself."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.scenarios.beginning import begin
from tests.scenarios.conftest import running_site
from tests.scenarios.site import ROOT, SiteUnderTest, free_port, until
from tests.scenarios.test_recovery import begun, check, submit_oracles
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.scenario

STOP_SECONDS = 10.0
TOKEN = "read the figures"
NAME = "site_shape"
ENDED = 'batchyard_attempt_ends_total{outcome="exited",queue="default"}'


class Parts:
    """Two of each part, each a process of its own, on one database, one broker and one data directory."""

    def __init__(self, site: SiteUnderTest) -> None:
        self.site = site
        self.ports = [site.port, free_port()]
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        for port in self.ports:
            self._start("web", port)
            self._start("engine", port)
            self._start("beat", port)
        for port in self.ports:
            until(lambda port=port: is_healthy(port), seconds=180, what=f"port {port} is healthy; see {self.site.log}")  # type: ignore[misc]

    def _start(self, part: str, port: int) -> None:
        environment = self.site.env() | {"BATCHYARD_BIND": f"127.0.0.1:{port}"}
        with self.site.log.open("ab") as log:
            command = [sys.executable, str(ROOT / "manage.py"), "serve", part]
            self.running.append(
                subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
            )

    def end(self, number: signal.Signals) -> float:
        """Signal all of them at once. How many seconds it took until the last had ended."""
        began = time.monotonic()
        for process in self.running:
            process.send_signal(number)
        for process in self.running:
            process.wait(30)
        self.running.clear()
        return time.monotonic() - began


def is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
            return b'"status": "ok"' in answer.read()
    except OSError:
        return False


def figures(port: int) -> list[str]:
    """The metrics of jobs and attempts as that process tells them."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  (an address of ours)
        lines = answer.read().decode().splitlines()
    return [line for line in lines if re.match(r"batchyard_(jobs|attempt_\w+_total|dispatch_seconds_\w+)\{", line)]


def ended(port: int) -> float:
    """How many attempts have ended by themselves."""
    return sum(float(line.removeprefix(ENDED)) for line in figures(port) if line.startswith(ENDED))


@pytest.fixture(scope="module")
def parts(
    postgres_server: PostgresServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Parts]:
    """As they end, and are started again, in each test."""
    with ExitStack() as stack:
        postgres_server.create(NAME)
        stack.callback(postgres_server.drop, NAME)
        url = postgres_server.url.replace("/postgres?", f"/{NAME}?")
        settings = {"DATABASE_URL": url, "CELERY_BROKER_URL": redis_server.url, "BATCHYARD_METRICS_TOKEN": TOKEN}
        site = SiteUnderTest(tmp_path_factory.mktemp("parts"), settings)
        begin(site)
        found = Parts(site)
        stack.callback(found.end, signal.SIGKILL)
        found.start()
        yield found


@pytest.mark.xdist_group("site shape")
@pytest.mark.meets("BD-57")
@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGTERM, id="asked to end"), pytest.param(signal.SIGKILL, id="killed")],
)
def test_parts_may_all_end_while_jobs_run_and_nothing_is_lost_or_doubled(
    parts: Parts, number: signal.Signals, tmp_path: Path
) -> None:
    before = ended(parts.ports[0])
    parts.site.call("PATCH", "hosts/localhost", {"seats": 10})
    ids = submit_oracles(parts.site, tmp_path, hosts=["localhost"], each=10)
    until(lambda: len(begun(tmp_path)) == 10, seconds=30, what="ten jobs run")

    took_seconds = parts.end(number)
    (tmp_path / "gate").touch()
    parts.start()

    check(parts.site, tmp_path, ids)
    assert took_seconds < STOP_SECONDS
    assert figures(parts.ports[0]) == figures(parts.ports[1])
    assert ended(parts.ports[0]) == before + 10


def test_a_part_refuses_to_run_on_a_database_without_its_tables(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    postgres_server.create("empty")
    site = SiteUnderTest(tmp_path, {"DATABASE_URL": postgres_server.url.replace("/postgres?", "/empty?")})

    for part in ("web", "engine", "beat"):
        with pytest.raises(AssertionError, match=r"The database lacks \d+ migrations .* Run manage.py migrate first"):
            site.manage("serve", part)

    postgres_server.drop("empty")


def test_the_launcher_takes_a_database_and_a_broker_of_its_own(
    postgres_server: PostgresServer, redis_server: RedisServer
) -> None:
    with running_site(DATABASE_URL=postgres_server.url, CELERY_BROKER_URL=redis_server.url) as site:
        [job] = site.finished([site.submit("echo here")], seconds=30)

        assert (job["state"], site.output(job["id"])) == ("succeeded", b"here\n")
