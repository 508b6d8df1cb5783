"""Lists go on behind a row: whole, without repeats, forwards and back, whatever happens in between."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job, JobState
from jobs.queueing import control
from tests.api.parts import V1, assert_error, make_job

JOBS = f"{V1}/jobs"


@pytest.fixture
def ids(alice: User, site: None) -> Sequence[int]:
    """Eleven jobs, the newest first; six of them came in the same moment, three are cancelled."""
    jobs = [make_job(alice) for _ in range(11)]
    at = timezone.now()
    for number, job in enumerate(jobs):
        Job.objects.filter(pk=job.pk).update(created_at=at + timedelta(seconds=max(0, number - 5)))
        if number % 4 == 0:
            control.cancel(job, actor="alice", at=at)
    return [job.pk for job in reversed(jobs)]


def walk(api: APIClient, address: str, *, to: str = "next") -> list[list[int]]:
    """The ids of each page from `address` on."""
    pages = []
    while address:
        told = api.get(address).json()
        pages.append([job["id"] for job in told["results"]])
        address = told[to]
    return pages


QUERIES = [
    pytest.param("?page_size=3", id="by number"),
    pytest.param("?page_size=3&created_after=2000-01-01T00:00:00Z", id="by time, with six at once"),
    pytest.param("?page_size=3&state=ready,cancelled", id="several states"),
    pytest.param("?page_size=3&state=ready,cancelled&created_after=2000-01-01T00:00:00Z", id="both"),
]


@pytest.mark.parametrize("query", QUERIES)
def test_pages_hold_every_job_once_in_order(api: APIClient, ids: Sequence[int], query: str) -> None:
    pages = walk(api, JOBS + query)

    assert [pk for page in pages for pk in page] == ids
    assert [len(page) for page in pages] == [3, 3, 3, 2]


@pytest.mark.parametrize("query", QUERIES)
def test_the_way_back_shows_the_same_pages(api: APIClient, ids: Sequence[int], query: str) -> None:
    last = JOBS + query
    while (told := api.get(last).json())["next"]:
        last = told["next"]

    pages = walk(api, last, to="previous")

    assert [pk for page in reversed(pages) for pk in page] == ids
    assert api.get(JOBS + query).json()["previous"] is None


def test_jobs_that_come_meanwhile_move_nothing(api: APIClient, alice: User, ids: Sequence[int]) -> None:
    told = api.get(f"{JOBS}?page_size=5").json()
    make_job(alice)

    following = api.get(told["next"]).json()

    assert [job["id"] for job in following["results"]] == ids[5:10]


def test_a_state_that_is_named_twice_shows_each_job_once(api: APIClient, ids: Sequence[int]) -> None:
    told = api.get(f"{JOBS}?state=cancelled,cancelled").json()

    assert [job["id"] for job in told["results"]] == [ids[2], ids[6], ids[10]]
    assert {job["state"] for job in told["results"]} == {JobState.CANCELLED}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("[0]", id="no values"),
        pytest.param("[0, 1, 2]", id="too many values"),
        pytest.param("[2, 1]", id="no direction"),
        pytest.param("[0, true]", id="no number"),
        pytest.param("[0, null]", id="nothing"),
        pytest.param("[0, 9223372036854775808]", id="beyond every id"),
        pytest.param('[0, "x"]', id="a text for a number"),
        pytest.param("[0, 1.5]", id="a fraction"),
        pytest.param('{"a": 1}', id="an object"),
        pytest.param("[", id="no JSON"),
        pytest.param("[" * 1900, id="deep"),
    ],
)
def test_a_cursor_that_was_made_up_is_refused(api: APIClient, ids: Sequence[int], content: str) -> None:
    cursor = urlsafe_b64encode(content.encode()).decode()

    assert_error(api.get(JOBS, {"cursor": cursor}), 400, code="bad_cursor")


@pytest.mark.parametrize("moment", ["yesterday", "2026-01-01", "2026-01-01T00:00:00\\u0000"])
def test_a_moment_that_was_made_up_is_refused(api: APIClient, ids: Sequence[int], moment: str) -> None:
    cursor: Any = urlsafe_b64encode(f'[0, "{moment}", 5]'.encode()).decode()

    answer = api.get(JOBS, {"cursor": cursor, "created_after": "2000-01-01T00:00:00Z"})

    assert_error(answer, 400, code="bad_cursor")
