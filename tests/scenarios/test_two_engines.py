"""Two engines at work on one database."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.scenarios.site import SiteUnderTest, until
from tests.servers.processes import command_line

pytestmark = pytest.mark.scenario

JOBS = 200
OWNERS = "from hosts.models import Ownership; print(Ownership.objects.values('owner').distinct().count())"


@pytest.fixture
def doubled(site: SiteUnderTest) -> Iterator[SiteUnderTest]:
    """A site with two engines, each of which owns one of the two hosts of a queue."""
    for name in ("left", "right"):
        site.post("hosts", {"name": name, "transport": "local", "seats": 4})
    site.post("pools", {"name": "both", "hosts": ["left", "right"]})
    site.post("queues", {"name": "shared", "pool": "both"})
    site.finished([site.submit("true", host="left")], seconds=20)
    second = SiteUnderTest(site.directory, site.environment, port=site.port, token=site.token)
    try:
        second.start("engine")
        until(lambda: alive(site) == 2, seconds=30, what="both engines are there")
        with standing_still(engine_of(site)):
            site.finished([site.submit("true", host="right")], seconds=20)
        yield site
    finally:
        second.kill()


def alive(site: SiteUnderTest) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/healthz", timeout=10) as answer:
        count: int = json.load(answer)["parts"]["engine"]["alive"]
    return count


def engine_of(site: SiteUnderTest) -> psutil.Process:
    [engine] = [process for process in site.processes() if "scheduler_site.engine" in command_line(process)]
    return engine


@contextmanager
def standing_still(process: psutil.Process) -> Iterator[None]:
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@pytest.mark.meets("BD-36", "BD-37")
def test_two_engines_start_two_hundred_jobs_once_each(doubled: SiteUnderTest, tmp_path: Path) -> None:
    site, log = doubled, tmp_path / "log"
    command = f"echo $BATCHYARD_JOB >> {log}"

    ids = site.submit_many([{"queue": "shared", "type": "command", "params": {"command": command}}] * JOBS)
    jobs = site.finished(ids, seconds=120)

    assert {job["state"] for job in jobs} == {"succeeded"}
    assert {len(job["attempts"]) for job in jobs} == {1}
    assert sorted(map(int, log.read_text().split())) == sorted(ids)
    assert site.manage("shell", "-c", OWNERS).split()[-1] == "2"
