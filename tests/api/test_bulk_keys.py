"""A list of jobs that is sent again with its key is taken once."""

from __future__ import annotations

from rest_framework.test import APIClient

from jobs.models import Job
from tests.api.parts import V1, assert_error

JOB = {"queue": "nightly", "type": "render", "params": {"scene": "hall"}}


def test_the_same_key_gives_the_same_list_of_jobs(api: APIClient, site: None) -> None:
    body = {"jobs": [JOB, JOB, {**JOB, "priority": 3}]}

    first = api.post(f"{V1}/jobs/bulk", body, HTTP_IDEMPOTENCY_KEY="list")
    second = api.post(f"{V1}/jobs/bulk", body, HTTP_IDEMPOTENCY_KEY="list")
    other = api.post(f"{V1}/jobs/bulk", body, HTTP_IDEMPOTENCY_KEY="list:0")

    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 201)
    assert len(first.json()["ids"]) == 3
    assert second.json() == first.json()
    assert Job.objects.count() == 6


def test_a_key_of_another_list_is_refused(api: APIClient, site: None) -> None:
    api.post(f"{V1}/jobs/bulk", {"jobs": [JOB, JOB]}, HTTP_IDEMPOTENCY_KEY="list")

    answer = api.post(f"{V1}/jobs/bulk", {"jobs": [JOB]}, HTTP_IDEMPOTENCY_KEY="list")

    assert_error(answer, 409, code="idempotency_key_reused")
    assert Job.objects.count() == 2


def test_the_key_of_a_list_leaves_room_for_places(api: APIClient, site: None) -> None:
    for length, status in ((194, 201), (195, 400)):
        answer = api.post(f"{V1}/jobs/bulk", {"jobs": [JOB]}, HTTP_IDEMPOTENCY_KEY="k" * length)

        assert answer.status_code == status, answer.json()
