from __future__ import annotations

import errno
import gzip
import json
from typing import Any, cast

import pytest
from django.db import OperationalError
from rest_framework.test import APIClient

from jobs.models import Job
from tests.api.parts import V1, assert_error

GOOD = json.dumps({"queue": "nightly", "type": "render", "params": {"scene": "x"}})


def post(api: APIClient, body: bytes | str, kind: str = "application/json", path: str = "jobs", **extra: Any) -> Any:
    return api.generic("POST", f"{V1}/{path}", cast(str, body), content_type=kind, **extra)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="169 empty"),
        pytest.param(b"{", id="168 not JSON"),
        pytest.param(b"{'a': 1}", id="168 quotes"),
        pytest.param(b"null", id="170 null"),
        pytest.param(b"[]", id="170 list"),
        pytest.param(b'"x"', id="170 text"),
        pytest.param(b"5", id="170 number"),
        pytest.param(b'{"queue": "nightly", "queue": "nightly"}', id="171 duplicate key"),
        pytest.param(b'{"priority": 1e309}', id="54 1e309"),
        pytest.param(b'{"priority": NaN}', id="55 NaN"),
        pytest.param(b'{"priority": Infinity}', id="56 Infinity"),
        pytest.param(b'{"priority": 0x10}', id="58 hex"),
        pytest.param(b'{"priority": 010}', id="59 octal"),
        pytest.param(b'{"priority": 1_000}', id="60 underscore"),
        pytest.param(b'{"priority": ' + b"1" * 5000 + b"}", id="68 5000 digits"),
        pytest.param(b'{"params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="173 deep lists"),
        pytest.param(b'{"params": ' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}", id="173 deep objects"),
        pytest.param(b'{"notes": "\xff"}', id="115 not UTF-8"),
        pytest.param('{"notes": "x"}'.encode("utf-16"), id="180 UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", id="180 BOM"),
        pytest.param(b'{"notes": "\\ud800"}', id="41 lone surrogate"),
        pytest.param(gzip.compress(GOOD.encode()), id="179 gzip"),
        pytest.param(json.dumps({f"k{n}": 1 for n in range(50_000)}).encode(), id="172 many unknown keys"),
    ],
)
@pytest.mark.parametrize("path", ["jobs", "jobs/bulk", "queues"])
def test_a_body_that_cannot_be_meant_is_refused(api: APIClient, site: None, path: str, body: bytes) -> None:
    assert_error(post(api, body, path=path), 400)
    assert Job.objects.count() == 0


def test_a_surrogate_pair_is_a_character(api: APIClient, site: None) -> None:
    answer = post(api, GOOD.replace('"x"', '"\\ud83d\\ude00"'))

    assert answer.json()["params"]["scene"] == "\U0001f600"


@pytest.mark.parametrize("path", ["jobs", "queues", "jobs/1/cancel"])
def test_a_body_over_a_megabyte_is_too_large(api: APIClient, path: str) -> None:
    """174"""
    if path.endswith("cancel"):
        path = f"jobs/{make_one(api)}/cancel"

    assert_error(post(api, b'{"notes": "' + b"x" * 2**20 + b'"}', path=path), 413, code="too_large")


def make_one(api: APIClient) -> int:
    api.post(f"{V1}/hosts", {"name": "localhost", "transport": "local"})
    api.post(f"{V1}/queues", {"name": "q"})
    api.post(f"{V1}/job-types", {"name": "t", "template": "true"})
    made: int = api.post(f"{V1}/jobs", {"queue": "q", "type": "t"}).json()["id"]
    return made


def test_many_jobs_may_be_more_than_a_megabyte(api: APIClient, site: None) -> None:
    job = {**json.loads(GOOD), "notes": "x" * 5000}

    answer = api.post(f"{V1}/jobs/bulk", {"jobs": [job] * 300})

    assert len(answer.json()["ids"]) == 300


def test_more_than_fifty_megabytes_of_jobs_are_too_large(api: APIClient) -> None:
    assert_error(post(api, b" " * (50 * 2**20 + 1), path="jobs/bulk"), 413)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "nonsense",
    ],
)
def test_what_is_not_json_is_an_unsupported_type(api: APIClient, site: None, kind: str) -> None:
    """178"""
    told = assert_error(post(api, GOOD, kind), 415)

    assert "application/json" in told["hint"]


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_is_taken_however_its_type_is_written(api: APIClient, site: None, kind: str) -> None:
    assert post(api, GOOD, kind).status_code == 201


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_json_is_answered_whatever_is_accepted(api: APIClient, accept: str) -> None:
    assert api.get(f"{V1}/queues", HTTP_ACCEPT=accept)["Content-Type"] == "application/json"


@pytest.mark.parametrize("header", ["HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE"])
def test_a_method_is_not_overridden_by_a_header(api: APIClient, job: dict[str, Any], header: str) -> None:
    """181"""
    address = f"{V1}/jobs/{job['id']}"

    assert api.generic("GET", address, **cast(Any, {header: "DELETE"})).status_code == 200
    assert Job.objects.count() == 1


@pytest.mark.parametrize("address", ["/api", "/api/", "/api/v1", "/api/v2/jobs", f"{V1}/nothing", f"{V1}/jobs/1/fly"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_address_that_does_not_exist_is_told_in_the_same_shape(api: APIClient, address: str, method: str) -> None:
    answer = getattr(api, method)(address)

    if answer.status_code != 404 or not answer.headers.get("Content-Type", "").startswith("application/json"):
        assert address == "/api", answer
    else:
        assert_error(answer, 404, code="not_found")


def test_a_database_that_is_busy_is_told_with_when_to_try_again(
    api: APIClient, job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: object, **kwargs: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("jobs.api.jobs.submit", locked)

    answer = api.post(f"{V1}/jobs", json.loads(GOOD))

    assert_error(answer, 503, code="database_busy")
    assert int(answer["Retry-After"]) > 0


def test_a_process_without_descriptors_tells_when_to_try_again(
    api: APIClient, job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("jobs.api.jobs.submit", short)

    answer = api.post(f"{V1}/jobs", json.loads(GOOD))

    assert_error(answer, 503, code="overloaded")
    assert int(answer["Retry-After"]) > 0


def test_an_error_that_nobody_foresaw_is_told_by_a_number_only(
    api: APIClient, site: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("jobs.api.jobs.submit", broken)

    answer = api.post(f"{V1}/jobs", json.loads(GOOD))

    told = assert_error(answer, 500, code="internal_error")
    assert "secret detail" not in answer.content.decode()
    number = told["message"].split()[-1].rstrip(".")
    assert number in caplog.text
    assert "secret detail" in caplog.text
