from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client

from accounts.models import User
from jobs.models import Job, JobType, Parameter
from tests.builders import make_job, make_type
from tests.web.parts import read, text

FORM = "/submit/count/"


@pytest.fixture
def root(settings: LazySettings) -> Path:
    root: Path = settings.BATCHYARD_FILE_ROOTS[0]
    return root


@pytest.fixture
def count(site: None) -> JobType:
    """A type that reads one file and writes another."""
    kind = make_type("count", template="wc -l < $model > $report", params=())
    Parameter.objects.create(job_type=kind, position=0, name="model", type="InputFile", required=True, title="Model")
    Parameter.objects.create(job_type=kind, position=1, name="report", type="OutputFile", title="Report")
    return kind


def sent(page: Client, *, data: bytes = b"one\n", name: str = "in.txt", **fields: str) -> Any:
    upload = SimpleUploadedFile(name, data)
    return page.post(FORM, {"queue": "anytime", "param_model": "", "upload_model": upload, **fields})


def test_a_file_is_uploaded_with_the_form(page: Client, count: JobType, root: Path) -> None:
    sent(page)

    assert Job.objects.get().params["model"] == str(root / "uploads" / "in.txt")
    assert (root / "uploads" / "in.txt").read_bytes() == b"one\n"


@pytest.mark.parametrize("data", [b"", b"x" * 3_000_000], ids=["242 empty", "more than memory takes"])
def test_a_file_is_sent_before_the_form_is(page: Client, count: JobType, root: Path, data: bytes) -> None:
    answer = page.post("/uploads/", {"file": SimpleUploadedFile("a.bin", data)})

    assert (answer.status_code, answer.json()) == (201, {"path": "uploads/a.bin"})
    assert (root / "uploads" / "a.bin").read_bytes() == data


def test_a_file_never_takes_the_place_of_another_and_is_kept_once(page: Client, count: JobType, root: Path) -> None:
    paths = [
        page.post("/uploads/", {"file": SimpleUploadedFile("a.b.txt", data)}).json()["path"]
        for data in (b"one", b"two", b"one", b"two")
    ]

    assert paths == ["uploads/a.b.txt", "uploads/a.b-2.txt", "uploads/a.b.txt", "uploads/a.b-2.txt"]
    assert [(root / path).read_bytes() for path in paths[:2]] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("../../etc/passwd", "uploads/passwd", id="242 a path"),
        pytest.param("C:\\temp\\in.txt", "uploads/in.txt", id="a path of another system"),
        pytest.param("-rf", "uploads/-rf", id="an option"),
        pytest.param("a\x1b[0m.txt", "uploads/a[0m.txt", id="an escape sequence"),
        pytest.param("a\u202etxt.exe", "uploads/atxt.exe", id="a turned direction"),
        pytest.param("a b'\"$x.txt", "uploads/a b'\"$x.txt", id="characters of shells"),
    ],
)
def test_of_a_name_with_a_path_the_name_counts(page: Client, count: JobType, name: str, path: str) -> None:
    assert page.post("/uploads/", {"file": SimpleUploadedFile(name, b"x")}).json()["path"] == path


def test_a_name_that_cannot_be_is_told_beside_its_field_and_the_form_kept(page: Client, count: JobType) -> None:
    answer = sent(page, name="ä" * 130, notes="kept")

    form = answer.context["form"]
    assert answer.status_code == 400
    assert list(form.errors) == ["param_model"]
    assert "cannot be a path" in str(form.errors["param_model"])
    assert form["notes"].value() == "kept"
    assert not Job.objects.exists()


def test_an_uploaded_file_is_kept_when_something_else_is_wrong(page: Client, count: JobType) -> None:
    answer = sent(page, queue="nowhere")

    assert answer.status_code == 400
    assert answer.context["form"]["param_model"].value() == "uploads/in.txt"


def test_uploaded_files_are_offered_to_choose_among(page: Client, count: JobType, root: Path) -> None:
    (root / "z").mkdir()
    (root / "z" / "scene.blend").touch()
    (root / ".hidden").touch()
    page.post("/uploads/", {"file": SimpleUploadedFile("in.txt", b"x")})

    answer = page.get(FORM)

    assert answer.context["offered"] == ["uploads/in.txt", "z/scene.blend"]
    assert 'list="offered-files"' in answer.content.decode()
    assert "at most 16.0" in text(answer).replace("\xa0", " ")


def test_a_full_disk_is_told_beside_the_file(page: Client, count: JobType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler_site.api.admission.FREE_LIMIT_BYTES", 2**62)

    answer = page.post("/uploads/", {"file": SimpleUploadedFile("in.txt", b"x")})

    assert answer.status_code == 400
    assert "nearly full" in answer.json()["message"]


def test_who_may_not_submit_uploads_nothing(looker: Client, count: JobType, root: Path) -> None:
    assert looker.post("/uploads/", {"file": SimpleUploadedFile("in.txt", b"x")}).status_code == 403
    assert list(root.iterdir()) == []


def job_with(count: JobType, root: Path, **files: bytes) -> Job:
    """A job that read in.txt and was to write the given files."""
    (root / "in.txt").write_bytes(b"one\n")
    for name, data in files.items():
        (root / name.replace("_", ".")).write_bytes(data)
    report = next(iter(files), "none_txt").replace("_", ".")
    return make_job(type="count", params={"model": "in.txt", "report": report})


def test_a_job_lists_its_files_with_size_and_links(page: Client, count: JobType, root: Path) -> None:
    job = job_with(count, root, out_txt=b"1\n")

    answer = page.get(f"/jobs/{job.pk}/")

    assert [(one.file.path, one.file.size_bytes, one.file.is_output) for one in answer.context["files"]] == [
        ("out.txt", 2, True),
        ("in.txt", 4, False),
    ]
    assert f"/jobs/{job.pk}/files/report/" in read(answer).addresses
    assert f"/jobs/{job.pk}/files/report/?download" in read(answer).addresses


def test_a_file_that_is_not_there_is_told_so(page: Client, count: JobType, root: Path) -> None:
    job = job_with(count, root)

    answer = page.get(f"/jobs/{job.pk}/")

    assert "not there yet" in text(answer)
    assert page.get(f"/jobs/{job.pk}/files/report/").status_code == 404


async def opened(user: User, address: str) -> tuple[Any, bytes]:
    client = AsyncClient()
    await client.aforce_login(user)
    answer = await client.get(address)
    pieces: Any = answer
    return answer, b"".join([bytes(piece) async for piece in pieces]) if answer.streaming else answer.content


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "kind", "is_shown"),
    [
        pytest.param("out_txt", "text/plain; charset=utf-8", True, id="text"),
        pytest.param("out_log", "text/plain; charset=utf-8", True, id="log"),
        pytest.param("out_html", "text/plain; charset=utf-8", True, id="245 html"),
        pytest.param("out_png", "image/png", True, id="picture"),
        pytest.param("out_svg", "application/octet-stream", False, id="svg"),
        pytest.param("out_bin", "application/octet-stream", False, id="anything else"),
    ],
)
def test_text_and_pictures_are_shown_shut_in_and_the_rest_is_kept(
    alice: User, count: JobType, root: Path, name: str, kind: str, is_shown: bool
) -> None:
    data = b"<script>alert(1)</script>" * 40_000
    job = job_with(count, root, **{name: data})

    answer, found = async_to_sync(opened)(alice, f"/jobs/{job.pk}/files/report/")

    assert found == data
    assert answer["Content-Type"] == kind
    assert answer["Content-Disposition"].startswith("inline" if is_shown else "attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("name", ["nothing", "report", "model"])
def test_files_that_are_not_the_jobs_or_not_beneath_the_roots_any_more_are_missing(
    page: Client, count: JobType, root: Path, settings: LazySettings, tmp_path: Path, name: str
) -> None:
    job = job_with(count, root, out_txt=b"1\n")
    (tmp_path / "elsewhere").mkdir()
    settings.BATCHYARD_FILE_ROOTS = [tmp_path / "elsewhere"]

    assert page.get(f"/jobs/{job.pk}/files/{name}/").status_code == 404


def test_a_link_out_of_the_roots_opens_nothing(page: Client, count: JobType, root: Path) -> None:
    job = job_with(count, root)
    (root / "none.txt").symlink_to("/etc/passwd")

    assert page.get(f"/jobs/{job.pk}/files/report/").status_code == 404


def test_who_may_not_see_the_job_opens_nothing(client: Client, count: JobType, root: Path) -> None:
    job = job_with(count, root, out_txt=b"1\n")
    client.force_login(User.objects.create_user("dave"))

    assert client.get(f"/jobs/{job.pk}/files/report/").status_code == 404
