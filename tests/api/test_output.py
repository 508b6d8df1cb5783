from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Attempt
from tests.api.parts import V1, assert_error, make_job, start, write


@pytest.fixture
def attempt(alice: User, site: None) -> Attempt:
    """One that has written to both streams."""
    attempt = start(make_job(alice))
    write(attempt, ("stdout", b"one\n"), ("stderr", b"oops\n"), ("stdout", b"two\n"))
    return attempt


def output(api: APIClient, attempt: Attempt, query: str = "") -> Any:
    return api.get(f"{V1}/jobs/{attempt.job_id}/output{query}")


@pytest.mark.parametrize(
    ("query", "data", "size"),
    [
        pytest.param("", b"one\noops\ntwo\n", 13, id="both in order of arrival"),
        pytest.param("?stream=stdout", b"one\ntwo\n", 8, id="stdout"),
        pytest.param("?stream=stderr", b"oops\n", 5, id="stderr"),
        pytest.param("?stream=stdout&offset=4", b"two\n", 8, id="from an offset"),
        pytest.param("?stream=stdout&offset=1&limit=2", b"ne", 8, id="limited"),
        pytest.param("?offset=13", b"", 13, id="at the end"),
        pytest.param("?offset=9223372036854775807", b"", 13, id="197 past the end"),
        pytest.param("?limit=0", b"", 13, id="nothing"),
        pytest.param("?attempt=1", b"one\noops\ntwo\n", 13, id="by attempt"),
    ],
)
def test_bytes_are_told_from_an_offset_on(api: APIClient, attempt: Attempt, query: str, data: bytes, size: int) -> None:
    answer = output(api, attempt, query)

    assert (answer.status_code, answer.content, answer["X-Output-Size"]) == (200, data, str(size))
    assert int(answer["X-Output-Next"]) == int(answer["X-Output-Offset"]) + len(data)


def test_bytes_are_not_for_browsers_to_show(api: APIClient, attempt: Attempt) -> None:
    answer = output(api, attempt)

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment;")


def test_a_job_that_has_not_started_has_written_nothing(api: APIClient, job: dict[str, Any]) -> None:
    answer = api.get(f"{V1}/jobs/{job['id']}/output")

    assert (answer.status_code, answer.content, answer["X-Output-Size"]) == (200, b"", "0")


@pytest.mark.parametrize(
    "query",
    [
        "offset=-1",
        "offset=x",
        "offset=1.5",
        "offset=",
        "offset=१",
        "offset=9223372036854775808",
        "offset=0x10",
        "limit=-1",
        "limit=1048577",
        "limit=1e3",
        "stream=stdin",
        "stream=",
        "attempt=0",
        "attempt=-1",
        "attempt=x",
        "ofset=1",
        "offset=1&offset=2",
    ],
)
def test_a_range_that_cannot_be_is_refused(api: APIClient, attempt: Attempt, query: str) -> None:
    assert_error(output(api, attempt, f"?{query}"), 400)


def test_an_attempt_that_was_not_made_is_not_found(api: APIClient, attempt: Attempt) -> None:
    assert_error(output(api, attempt, "?attempt=2"), 404)


def test_output_that_is_lost_is_told_as_gone(api: APIClient, attempt: Attempt) -> None:
    attempt.outputs.filter(stream="stdout").update(size_bytes=1000)

    assert_error(output(api, attempt, "?stream=stdout&offset=500"), 410, code="output_lost")


@pytest.mark.meets("BD-33")
def test_the_output_of_a_removed_job_is_removed(
    api: APIClient, attempt: Attempt, django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(outcome="exited", finished_at=attempt.started_at)
    attempt.job.refresh_from_db()
    type(attempt.job).objects.filter(pk=attempt.job_id).update(state="failed", finished_at=attempt.started_at)

    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(f"{V1}/jobs/{attempt.job_id}").status_code == 204

    kept = [path for path in Path(settings.BATCHYARD_OUTPUT_DIR).rglob("*") if path.is_file()]
    assert kept == []
