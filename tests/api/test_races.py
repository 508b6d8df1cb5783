"""Two who want the same at once: one gets it, the other is told; nothing breaks and nothing is doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job, Queue
from tests.api.conftest import client_of
from tests.api.parts import V1, make_job

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def at_once(ask: Callable[[APIClient], Any], user: User, *, times: int) -> list[Any]:
    """The answers to `times` equal requests from several threads."""
    clients = [client_of(user) for _ in range(times)]

    def one(client: APIClient) -> Any:
        try:
            return ask(client)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, clients))


def test_of_fifty_equal_names_one_is_made(alice: User) -> None:
    """45"""
    answers = at_once(lambda api: api.post(f"{V1}/queues", {"name": "q"}), alice, times=50)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert Queue.objects.count() == 1


def test_of_many_equal_requests_with_one_key_one_job_is_made(alice: User, site: None) -> None:
    body = {"queue": "nightly", "type": "render", "params": {"scene": "x"}}

    answers = at_once(lambda api: api.post(f"{V1}/jobs", body, HTTP_IDEMPOTENCY_KEY="k"), alice, times=20)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Job.objects.count() == 1


def test_of_many_equal_lists_with_one_key_one_is_taken(alice: User, site: None) -> None:
    body = {"jobs": [{"queue": "nightly", "type": "render", "params": {"scene": "x"}}] * 3}

    answers = at_once(lambda api: api.post(f"{V1}/jobs/bulk", body, HTTP_IDEMPOTENCY_KEY="k"), alice, times=20)

    assert {answer.status_code for answer in answers} == {201}
    assert len({tuple(answer.json()["ids"]) for answer in answers}) == 1
    assert Job.objects.count() == 3


def test_of_many_equal_uploads_one_is_kept(alice: User, own_directories: None, settings: Any) -> None:
    def send(api: APIClient) -> Any:
        return api.post(f"{V1}/files", {"file": SimpleUploadedFile("a", b"x" * 100_000)}, format="multipart")

    answers = at_once(send, alice, times=20)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert [path.name for path in Path(settings.BATCHYARD_FILE_ROOTS[0]).iterdir()] == ["a"]


def test_a_job_that_is_cancelled_many_times_is_cancelled_once(alice: User, site: None) -> None:
    job = make_job(alice)

    answers = at_once(lambda api: api.post(f"{V1}/jobs/{job.pk}/cancel"), alice, times=20)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    assert Job.objects.get().state == "cancelled"
