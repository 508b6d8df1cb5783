"""The example that `make demo` loads, each kind of work to its end, and its results by what is in them."""

from __future__ import annotations

import io
import re
import sqlite3
import struct
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.site import SiteUnderTest
from tests.servers.parts import program

pytestmark = pytest.mark.scenario

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("convert", "cc", "make", "sqlite3", "sshd")
FRAMES = 6
ALWAYS = {"windows": [{"begin": "00:00", "end": "00:00"}]}
JOB = re.compile(r"/jobs/(\d+)/")


@pytest.fixture(scope="module")
def told(shared_site: SiteUnderTest) -> Iterator[str]:
    """What `demo` says on a running site. The night is made to last all day, and the example removed at the end."""
    for name in PROGRAMS:
        program(name)
    yield shared_site.manage("demo")
    shared_site.manage("demo", "--remove")


@pytest.fixture(scope="module")
def jobs(shared_site: SiteUnderTest, told: str) -> list[Any]:
    """All jobs of the example, ended."""
    assert shared_site.call("PATCH", "schedules/demo-nights", ALWAYS).status == 200
    ids = [int(number) for number in JOB.findall(told)]
    return shared_site.finished(ids, seconds=90)


def results(site: SiteUnderTest, jobs: list[Any], kind: str) -> list[bytes]:
    """What the jobs of this kind have written, downloaded as people would."""
    files = [file for job in jobs if job["type"] == kind for file in site.get(f"jobs/{job['id']}/files")]
    outputs = [file["url"].removeprefix("/api/v1/") for file in files if file["type"] == "OutputFile"]
    return [site.call("GET", url).body for url in outputs]


def test_every_job_of_the_example_succeeds_where_it_should_run(jobs: list[Any], told: str) -> None:
    assert "Left out" not in told
    assert Counter(job["type"] for job in jobs) == {
        "demo-frame": FRAMES, "demo-build": 1, "demo-backup": 2, "demo-report": 2
    }  # fmt: skip
    assert {(job["state"], job["reason"]) for job in jobs} == {("succeeded", "")}
    ran = {(job["type"], job["attempts"][-1]["host"]) for job in jobs}
    assert ran == {
        ("demo-frame", "localhost"), ("demo-build", "localhost"), ("demo-report", "localhost"),
        ("demo-backup", "demo-ssh"),
    }  # fmt: skip


def test_frames_are_pictures_in_which_the_ball_moves(shared_site: SiteUnderTest, jobs: list[Any]) -> None:
    frames = results(shared_site, jobs, "demo-frame")

    assert [struct.unpack(">II", frame[16:24]) for frame in frames] == [(480, 270)] * FRAMES
    places = [ball(frame) for frame in frames]
    assert places == sorted(places)
    assert len(set(places)) == FRAMES


def ball(frame: bytes) -> int:
    """The first column in which the ball's bright spot is."""
    size = 480 * 270 * 3
    seen = subprocess.run(["convert", "png:-", "-depth", "8", "rgb:-"], input=frame, check=True, capture_output=True)
    assert len(seen.stdout) == size
    spots = [place // 3 % 480 for place in range(0, size, 3) if seen.stdout[place : place + 3] == b"\xff\xe8\xcc"]
    return min(spots)


def test_the_program_runs(shared_site: SiteUnderTest, jobs: list[Any], tmp_path: Path) -> None:
    [content] = results(shared_site, jobs, "demo-build")
    (tmp_path / "primes").write_bytes(content)
    (tmp_path / "primes").chmod(0o755)

    said = subprocess.run([tmp_path / "primes", "20"], check=True, capture_output=True, text=True).stdout

    assert said.split() == ["2", "3", "5", "7", "11", "13", "17", "19"]


def test_the_backup_has_every_file_that_is_not_excluded(shared_site: SiteUnderTest, jobs: list[Any]) -> None:
    expected = {
        str(path.relative_to(ROOT / "docs")): path.read_bytes()
        for path in (ROOT / "docs").rglob("*")
        if path.is_file() and path.suffix not in {".png", ".svg"}
    }

    for content in results(shared_site, jobs, "demo-backup"):
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            files = {m.name.removeprefix("./"): archive.extractfile(m) for m in archive.getmembers() if m.isfile()}
            assert {name: file.read() for name, file in files.items() if file} == expected


def test_the_report_has_the_sums_of_the_database(shared_site: SiteUnderTest, jobs: list[Any]) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript((ROOT / "examples/report/orders.sql").read_text())
        orders = database.execute("SELECT region, pieces, cents FROM orders").fetchall()
    expected = [
        (region, str(len(own)), str(sum(p for p, _ in own)), f"{sum(p * c for p, c in own) / 100:.2f}")
        for region in ("east", "north", "west", "south")
        if (own := [(p, c) for r, p, c in orders if r == region])
    ]

    for content in results(shared_site, jobs, "demo-report"):
        rows = re.findall(r"<TR>(.*?)</TR>", content.decode(), re.DOTALL)
        cells = [tuple(re.findall(r"<TD>(.*?)</TD>", row)) for row in rows]
        assert [row for row in cells if len(row) == 4] == expected
        assert len([row for row in cells if len(row) == 3]) == 12
        assert len(orders) == 20_000
