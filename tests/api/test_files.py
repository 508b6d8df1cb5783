from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.api.parts import V1, assert_error


@pytest.fixture
def root(settings: LazySettings) -> Path:
    root: Path = settings.BATCHYARD_FILE_ROOTS[0]
    return root


def send(api: APIClient, data: bytes = b"hello", *, name: str = "a.txt", **parts: Any) -> Any:
    return api.post(f"{V1}/files", {"file": SimpleUploadedFile(name, data), **parts}, format="multipart")


@pytest.mark.parametrize("size", [0, 1, 3_000_000], ids=["242 empty", "one byte", "more than memory takes"])
def test_a_file_is_kept_and_told_with_its_hash(api: APIClient, root: Path, size: int) -> None:
    data = os.urandom(size)

    answer = send(api, data, path="in/scene.blend")

    assert answer.status_code == 201, answer.json()
    assert answer.json() == {"path": "in/scene.blend", "size": size, "sha256": hashlib.sha256(data).hexdigest()}
    assert (root / "in" / "scene.blend").read_bytes() == data
    assert [path.name for path in (root / "in").iterdir()] == ["scene.blend"]


def test_a_file_without_a_path_is_kept_by_its_name(api: APIClient, root: Path) -> None:
    assert send(api).json()["path"] == "a.txt"
    assert (root / "a.txt").read_bytes() == b"hello"


def test_a_file_does_not_take_the_place_of_another_unless_told(api: APIClient, root: Path) -> None:
    send(api)

    assert_error(send(api, b"other"), 409, code="exists")
    assert (root / "a.txt").read_bytes() == b"hello"
    assert send(api, b"other", overwrite="true").status_code == 201
    assert (root / "a.txt").read_bytes() == b"other"


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "a/../../b",
        "/etc/passwd",
        "a\nb",
        "a\x1b[0m",
        "a\u202eb",
        "",
        "a/",
        ".",
        "x" * 2000,
        "x" * 256,
        "link/a",
    ],
)
def test_a_path_outside_or_unreadable_is_refused(api: APIClient, root: Path, path: str) -> None:
    (root / "link").symlink_to("/tmp")

    assert_error(send(api, path=path), 400, field="path")
    assert sorted(os.listdir(root)) == ["link"]


def test_a_file_is_not_kept_beneath_a_file(api: APIClient) -> None:
    send(api)

    assert_error(send(api, path="a.txt/b"), 400, field="path")


def test_a_directory_is_not_overwritten(api: APIClient, root: Path) -> None:
    (root / "d").mkdir()

    assert_error(send(api, path="d", overwrite="true"), 409, code="exists")


@pytest.mark.parametrize(
    ("parts", "field"),
    [({"pth": "x"}, "pth"), ({"overwrite": "yes"}, "overwrite")],
    ids=["unknown part", "overwrite"],
)
def test_parts_that_cannot_be_meant_are_refused(api: APIClient, parts: dict[str, str], field: str) -> None:
    assert_error(send(api, b"", **parts), 400, field=field)


def test_an_upload_without_a_file_is_refused(api: APIClient) -> None:
    assert_error(api.post(f"{V1}/files", {"path": "x"}, format="multipart"), 400, field="file")


def test_an_upload_that_is_not_multipart_is_refused(api: APIClient) -> None:
    assert_error(api.post(f"{V1}/files", {"file": "x"}, format="json"), 415)


def test_an_upload_with_a_broken_boundary_is_refused(api: APIClient) -> None:
    answer = api.generic("POST", f"{V1}/files", "--x\r\n", content_type="multipart/form-data")

    assert_error(answer, 400)


def test_a_file_is_downloaded_as_it_was_sent(api: APIClient) -> None:
    send(api, b"\0\xff", path="in/a b.bin")

    answer = api.get(f"{V1}/files/in/a%20b.bin")

    assert b"".join(answer) == b"\0\xff"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "path", ["nothing", "../secret_key", "in/../../x", "%2e%2e/x", "%00", "pipe", "link", "d", "link2/x"]
)
def test_what_is_no_file_here_is_not_found(api: APIClient, root: Path, path: str) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "x").write_text("secret")
    (root / "link").symlink_to(outside / "x")
    (root / "link2").symlink_to(outside)
    (root / "d").mkdir()
    os.mkfifo(root / "pipe")

    assert_error(api.get(f"{V1}/files/{path}"), 404)


def test_a_directory_is_listed_by_name(api: APIClient, root: Path) -> None:
    send(api, path="d/b")
    send(api, b"xyz", path="d/a")
    (root / "d" / "sub").mkdir()
    (root / "d" / "link").symlink_to("/etc/passwd")

    told = api.get(f"{V1}/files?path=d").json()

    assert [(one["name"], one["kind"], one["size"]) for one in told["results"]] == [
        ("a", "file", 3),
        ("b", "file", 5),
        ("sub", "directory", None),
    ]
    assert [one["name"] for one in api.get(f"{V1}/files").json()["results"]] == ["d"]


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_where_no_file_has_been_sent_yet_nothing_is_listed(
    api: APIClient, settings: LazySettings, tmp_path: Path, path: str
) -> None:
    settings.BATCHYARD_FILE_ROOTS = [tmp_path / "not made yet"]

    assert api.get(f"{V1}/files?path={path}").json()["results"] == []


@pytest.mark.parametrize("path", ["..", "nothing", "/etc", "d/../.."])
def test_a_directory_elsewhere_is_not_listed(api: APIClient, path: str) -> None:
    assert_error(api.get(f"{V1}/files?path={path}"), 404)


def test_files_are_only_for_those_who_may(poor: APIClient) -> None:
    assert_error(poor.get(f"{V1}/files"), 403)
    assert_error(send(poor), 403)
    assert_error(poor.get(f"{V1}/files/a"), 403)


def test_nothing_is_taken_when_the_disk_is_nearly_full(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, site: None
) -> None:
    monkeypatch.setattr("scheduler_site.api.admission.FREE_LIMIT_BYTES", 2**62)

    for answer in (send(api), api.post(f"{V1}/jobs", {"queue": "nightly", "type": "render", "params": {"scene": "x"}})):
        assert_error(answer, 503, code="disk_low")
        assert int(answer["Retry-After"]) > 0
