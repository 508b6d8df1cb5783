from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import JobType, Parameter
from tests.api.parts import V1, assert_error, make_job

PARAMETERS = [("scene", "InputFile"), ("frame", "Int"), ("image", "OutputFile"), ("log", "OutputFile")]


@pytest.fixture
def root(settings: LazySettings) -> Path:
    root: Path = settings.BATCHYARD_FILE_ROOTS[0]
    return root


@pytest.fixture
def film(site: None, alice: User) -> str:
    """The address of the files of a job that reads one file and writes two, of which one is not named."""
    kind = JobType.objects.create(name="film", template="cat $scene > $image")
    for position, (name, type_) in enumerate(PARAMETERS):
        Parameter.objects.create(job_type=kind, position=position, name=name, type=type_, title=name.title())
    job = make_job(alice, type="film", params={"scene": "a.txt", "frame": "1", "image": "out/a b.png"})
    return f"{V1}/jobs/{job.pk}/files"


def told(api: APIClient, address: str) -> Any:
    answer = api.get(address)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_the_files_of_a_job_are_told_with_their_size_and_address(api: APIClient, film: str, root: Path) -> None:
    (root / "a.txt").write_text("12345")

    assert told(api, film) == [
        {"parameter": "scene", "title": "Scene", "type": "InputFile", "path": "a.txt", "size": 5,
         "url": f"{film}/scene"},
        {"parameter": "image", "title": "Image", "type": "OutputFile", "path": "out/a b.png", "size": None,
         "url": f"{film}/image"},
    ]  # fmt: skip


def test_what_a_job_has_written_is_downloaded_from_its_address(api: APIClient, film: str, root: Path) -> None:
    (root / "out").mkdir()
    (root / "out" / "a b.png").write_bytes(b"picture")

    answer = api.get(told(api, film)[1]["url"])

    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, b"picture")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("image", id="not written yet"),
        pytest.param("log", id="not named"),
        pytest.param("frame", id="no file"),
        pytest.param("other", id="no parameter"),
    ],
)
def test_what_is_no_file_of_the_job_is_missing(api: APIClient, film: str, name: str) -> None:
    told = assert_error(api.get(f"{film}/{name}"), 404)

    assert f'has no file "{name}"' in told["message"]


def test_a_directory_in_the_place_of_a_file_is_no_file(api: APIClient, film: str, root: Path) -> None:
    (root / "a.txt").mkdir()

    assert told(api, film)[0]["size"] is None


def test_files_outside_the_roots_of_today_are_not_told(
    api: APIClient, film: str, settings: LazySettings, tmp_path: Path
) -> None:
    settings.BATCHYARD_FILE_ROOTS = [tmp_path / "other"]

    assert told(api, film) == []


def test_who_may_not_see_the_job_does_not_see_its_files(poor: APIClient, film: str) -> None:
    assert_error(poor.get(film), 404)
    assert_error(poor.get(f"{film}/scene"), 404)
    assert_error(poor.get(f"{V1}/jobs/999999/files"), 404)
