"""`manage.py serve`: one site on one data directory, which stops cleanly and starts again after anything."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from scheduler_site.embedded import CannotStart, Launcher, Part, broker_part, running
from tests.servers.parts import wait_until
from tests.servers.processes import command_line, has_ended

ROOT = Path(__file__).resolve().parents[2]
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
ENGINE = "scheduler_site.engine"
PARTS = ("scheduler_site.web", ENGINE, "redis-server")

pytestmark = [pytest.mark.scenario, pytest.mark.xdist_group("serve")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Served:
    """A site of its own, started by `manage.py serve`."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def launch(self, *words: str, **settings: str) -> subprocess.Popen[bytes]:
        own = {"BATCHYARD_DATA_DIR": str(self.directory / "var"), "BATCHYARD_BIND": f"127.0.0.1:{self.port}"}
        with (self.directory / "log").open("ab") as log:
            command = [sys.executable, str(ROOT / "manage.py"), "serve", *words]
            return subprocess.Popen(
                command, cwd=self.directory, env=os.environ | own | settings, stdout=log, stderr=log
            )

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        (self.directory / "log").write_text("")
        self.process = self.launch()
        wait_until(self.is_up, what=f"the site and its engine are up: {self.log[-2000:]}", seconds=60)

    def is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/admin/login/", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return self.log.count("ready.") > 0

    def part(self, name: str) -> psutil.Process:
        """The process of the part whose command line has `name`."""
        assert self.process is not None
        [found] = [child for child in self.children() if name in command_line(child)]
        return found

    def children(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def refused(self, *words: str, **settings: str) -> str:
        """What `serve` said when it refused to start."""
        before = len(self.log) if (self.directory / "log").exists() else 0
        assert self.launch(*words, **settings).wait(timeout=60) != 0
        return self.log[before:]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One data directory for all that begin with a site that runs, from nothing at first."""
    site = Served(tmp_path_factory.mktemp("served"))
    yield site
    if site.process is not None and site.is_running:
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(timeout=20)


@pytest.fixture
def site(served: Served) -> Served:
    """A site that is up."""
    if not served.is_running:
        served.start()
    return served


def test_a_second_serve_on_the_same_data_names_the_first(site: Served) -> None:
    assert site.process is not None

    said = site.refused(BATCHYARD_BIND=f"127.0.0.1:{free_port()}")

    assert re.search(rf"var is already served by process {site.process.pid}\. Stop that one", said)


def test_a_part_that_dies_is_started_again(site: Served) -> None:
    wait_until(lambda: psutil.Process(site.part(ENGINE).pid).create_time() < time.time() - 6, what="settled")
    first, readies = [site.part(name) for name in PARTS], site.log.count("ready.")

    for part in first:
        part.kill()

    wait_until(lambda: _are_replaced(site, first), what="every part runs again", seconds=30)
    wait_until(lambda: site.log.count("ready.") > readies, what="the engine is ready again", seconds=30)
    assert "was ended by SIGKILL; starting it again in 1 s" in site.log


def _are_replaced(site: Served, first: list[psutil.Process]) -> bool:
    lines = [line for child in site.children() if child not in first and (line := command_line(child))]
    return all(any(name in line and "follow.py" not in line for line in lines) for name in PARTS)


def test_parts_end_with_a_killed_launcher_and_the_next_start_succeeds(site: Served) -> None:
    assert site.process is not None
    parts = site.children()

    site.process.kill()
    site.process.wait(timeout=10)

    wait_until(lambda: all(map(has_ended, parts)), what="the parts of the killed launcher end")
    site.start()


def test_ctrl_c_stops_every_part_within_ten_seconds(site: Served) -> None:
    parts = site.children()
    assert site.process is not None

    site.process.send_signal(signal.SIGINT)

    assert site.process.wait(timeout=10) == 0
    assert len(parts) == len(PARTS)
    assert all(map(has_ended, parts))
    assert not (site.directory / "var" / "broker.sock").exists()


def test_a_port_in_use_is_named_with_its_setting(tmp_path: Path) -> None:
    site = Served(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", site.port))
        other.listen()

        said = site.refused()

    assert f"Cannot listen on port {site.port} of BATCHYARD_BIND 127.0.0.1:{site.port}" in said
    assert "Choose another, such as BATCHYARD_BIND=127.0.0.1:" in said


def test_a_part_that_cannot_start_ends_serve_with_its_name() -> None:
    part = Part("engine", [sys.executable, "-c", "import sys; sys.exit(3)"], stop_seconds=1)
    launcher = Launcher([part], broker=None, broker_socket=None)

    with pytest.raises(CannotStart, match="The engine ended with status 3 before it was up"):
        _run_until_ended(launcher, part)


def _run_until_ended(launcher: Launcher, part: Part) -> None:
    with running(launcher):
        wait_until(part.has_ended, what="the part ends")
        launcher.keep_running(seconds=5)


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broker = broker_part(tmp_path / "broker.sock", data_directory=tmp_path)
    broker.command += ["--nonsense", "1"]
    launcher = Launcher([], broker=broker, broker_socket=tmp_path / "broker.sock")

    with pytest.raises(CannotStart, match=r"The embedded broker did not start: .*broker\.log"):
        launcher.start()


def test_a_second_signal_hurries_the_stop() -> None:
    part = Part("web", [sys.executable, "-c", STUBBORN], stop_seconds=60)
    launcher = Launcher([part], broker=None, broker_socket=None)
    part.start()
    launcher.stops_asked = 2

    begun = time.monotonic()
    launcher.stop()

    # It may have been asked before it could refuse.
    assert part.end in ("was ended by SIGKILL", "was ended by SIGTERM")
    assert time.monotonic() - begun < 10
