"""Finished frames come to where Blender would have written them, whole, and nowhere else."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from batchyard_blender.addresses import Address
from batchyard_blender.failures import Failure
from batchyard_blender.frames import Row, Span
from batchyard_blender.results import cancel, fetch, rows_of
from batchyard_blender.site import Site
from tests.clients.test_faults import Reply, Server, problem, serving


def make_row(job: int, first: int, last: int, *, state: str = "succeeded", ending: str = ".tar") -> Row:
    return Row(job=job, span=Span(first, last), state=state, reason="", scene="cat.blend", ending=ending)


def archive(**content: bytes) -> Reply:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return Reply(body=file.getvalue(), kind="application/octet-stream")


def picture(data: bytes) -> Reply:
    return Reply(body=data, kind="application/octet-stream")


def fetched(server: Server, rows: list[Row], to: Path, *, is_overwriting: bool = True) -> list[str]:
    places = {frame: to / f"cat.v2_{frame:04d}" for row in rows for frame in row.span.frames}
    site = Site(Address(server.url, "t"))
    return [path.name for path in fetch(site, rows, places, is_overwriting=is_overwriting, tell=str)]


def test_pictures_come_by_their_frames(tmp_path: Path) -> None:
    rows = [make_row(1, 1, 2), make_row(2, 3, 3, ending=".png")]
    with serving(picture(b"three"), archive(**{"./0001.png": b"one", "./0002.png": b"two"})) as server:
        written = fetched(server, rows, tmp_path / "new")

    assert written == ["cat.v2_0001.png", "cat.v2_0002.png", "cat.v2_0003.png"]
    assert [(tmp_path / "new" / name).read_bytes() for name in written] == [b"one", b"two", b"three"]
    assert [asked.path for asked in server.asked] == ["/api/v1/jobs/2/files/frames", "/api/v1/jobs/1/files/frames"]


def test_a_picture_keeps_the_ending_that_it_was_made_with(tmp_path: Path) -> None:
    with serving(archive(**{"0001.exr": b"one"})) as server:
        assert fetched(server, [make_row(1, 1, 1)], tmp_path) == ["cat.v2_0001.exr"]


def test_names_in_an_archive_lead_nowhere(tmp_path: Path) -> None:
    reply = archive(**{"../../0001.png": b"one", "/etc/passwd": b"x", "0009.png": b"not asked for"})
    with serving(reply) as server:
        written = fetched(server, [make_row(1, 1, 1)], tmp_path / "here")

    assert written == ["cat.v2_0001.png"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["cat.v2_0001.png"]


def test_a_link_in_an_archive_is_no_picture(tmp_path: Path) -> None:
    file, link = io.BytesIO(), tarfile.TarInfo("0001.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(fileobj=file, mode="w") as made:
        made.addfile(link)

    with serving(picture(file.getvalue())) as server:
        assert fetched(server, [make_row(1, 1, 1)], tmp_path) == []


@pytest.mark.parametrize("ending", [".tar", ".png"])
def test_what_is_there_stays_if_the_scene_says_so(tmp_path: Path, ending: str) -> None:
    (tmp_path / "cat.v2_0001.png").write_bytes(b"mine")
    reply = archive(**{"0001.png": b"new"}) if ending == ".tar" else picture(b"new")

    with serving(reply) as server:
        kept = fetched(server, [make_row(1, 1, 1, ending=ending)], tmp_path, is_overwriting=False)
        replaced = fetched(server, [make_row(1, 1, 1, ending=ending)], tmp_path)

    assert (kept, replaced) == ([], ["cat.v2_0001.png"])
    assert (tmp_path / "cat.v2_0001.png").read_bytes() == b"new"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"no archive" * 100, id="none"),
        pytest.param(archive(**{"0001.png": b"x" * 100_000}).body[:5000], id="half of one"),
    ],
)
def test_a_damaged_archive_is_named(tmp_path: Path, data: bytes) -> None:
    with serving(picture(data)) as server, pytest.raises(Failure, match="pictures of job 7 are damaged"):
        fetched(server, [make_row(7, 1, 2)], tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with serving(picture(b"x")) as server, pytest.raises(Failure, match=r"Cannot write .*Choose another directory"):
        fetched(server, [make_row(1, 1, 1, ending=".png")], tmp_path / "file")


def test_jobs_of_other_files_are_not_shown() -> None:
    params = {"scene": "blender/x/cat.blend", "frames": "blender/x/1.png", "first": "1", "last": "1"}
    jobs = [
        {"id": number, "state": "ready", "reason": "", "params": {**params, "scene": scene}}
        for number, scene in [(3, "blender/y/dog.blend"), (2, "blender/y/cat.blend")]
    ]
    answers = [{"user": "ann"}, {"results": jobs, "next": None}]
    with serving(*(Reply(body=json.dumps(answer).encode()) for answer in answers)) as server:
        found = rows_of(Site(Address(server.url, "t")), type="blender-frames", scene="cat.blend")

    assert [row.job for row in found] == [2]
    assert "owner=ann" in server.asked[1].path


def test_what_has_ended_meanwhile_does_not_stop_a_cancel() -> None:
    rows = [make_row(1, 1, 1, state="running"), make_row(2, 2, 2, state="ready"), make_row(3, 3, 3)]
    with serving(Reply(409, body=problem(code="not_running")), Reply()) as server:
        count = cancel(Site(Address(server.url, "t")), rows, tell=str)

    assert count == 2
    assert [asked.path for asked in server.asked] == ["/api/v1/jobs/1/cancel", "/api/v1/jobs/2/cancel"]
