from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job
from jobs.queueing.submit import Request, submit_many
from jobs.web.listing import PAGE_ROWS
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue, make_type, make_user
from tests.web.parts import read, start, text


def numbers(answer: Any) -> list[int]:
    return [row.job.pk for row in answer.context["rows"]]


def test_jobs_are_listed_the_newest_first(page: Client) -> None:
    first, second = make_job("echo first"), make_job("echo second")

    answer = page.get("/jobs/")

    assert numbers(answer) == [second.pk, first.pk]
    assert "echo second" in text(answer)


def test_a_site_without_jobs_says_what_to_do(page: Client) -> None:
    answer = page.get("/jobs/")

    assert "No jobs yet" in text(answer)
    assert "/submit/" in read(answer).addresses


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("queue=night", ["night"], id="queue"),
        pytest.param("type=other", ["other"], id="type"),
        pytest.param("owner=carol", ["carol"], id="owner"),
        pytest.param("host=far", ["far"], id="host asked for"),
        pytest.param("host=localhost", ["runs"], id="host it runs on"),
        pytest.param("state=running", ["runs"], id="state"),
        pytest.param("state=waiting", ["far", "carol", "other", "night"], id="group of states"),
        pytest.param("state=finished", [], id="nothing"),
        pytest.param("queue=anytime&owner=carol&state=ready", ["carol"], id="all at once"),
        pytest.param("queue=&state=", ["far", "carol", "other", "night", "runs"], id="nothing asked"),
    ],
)
def test_the_list_is_narrowed(page: Client, query: str, found: list[str]) -> None:
    make_host("far")
    make_type("other", template="true", params=())
    jobs = {"runs": make_job()}
    start(jobs["runs"])
    jobs |= {"night": make_job(queue="night"), "other": make_job(type="other")}
    jobs |= {"carol": make_job(owner=make_user("carol")), "far": make_job(host="far")}

    answer = page.get(f"/jobs/?{query}")

    assert numbers(answer) == [jobs[name].pk for name in found]


@pytest.mark.parametrize(
    "query",
    [
        "queue=nowhere", "type=%00", "host=x", "owner=nobody", "owner=%00", "state=broken", "before=-1",
        "before=99999999999999999999", "after=x",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told_beside_its_field(page: Client, query: str) -> None:
    make_job()

    answer = page.get(f"/jobs/?{query}")

    assert answer.status_code == 400
    assert answer.context["form"].errors
    assert numbers(answer) == []
    assert b"hx-get" not in answer.content  # to ask again would be refused again, and look like a lost connection


def test_a_name_that_does_not_exist_is_told_safely(page: Client) -> None:
    answer = page.get("/jobs/", {"owner": "<script>alert(1)</script>"})

    assert b"<script>alert" not in answer.content
    assert "There is no user" in text(answer)


def test_ten_thousand_jobs_come_page_by_page_with_few_queries(
    page: Client, alice: User, django_assert_max_num_queries: Any
) -> None:
    make_host()
    make_queue()
    make_type()
    told = [Request(queue="anytime", type="command", params={"command": "true"})] * 10_000
    submit_many(told, owner=alice, at=MONDAY_NOON)
    ids = list(Job.objects.order_by("-pk").values_list("pk", flat=True))

    with django_assert_max_num_queries(12):
        first = page.get("/jobs/")
    second = page.get(f"/jobs/{first.context['older']}")
    back = page.get(f"/jobs/{second.context['newer']}")
    last = page.get(f"/jobs/?before={ids[-10]}")

    assert numbers(first) == ids[:PAGE_ROWS]
    assert first.context["newer"] is None
    assert numbers(second) == ids[PAGE_ROWS : 2 * PAGE_ROWS]
    assert numbers(back) == numbers(first)
    assert numbers(last) == ids[-9:]
    assert last.context["older"] is None


def test_pages_keep_what_was_asked_for(page: Client, alice: User) -> None:
    make_job()
    submit_many(
        [Request(queue="anytime", type="command", params={"command": "true"})] * 60, owner=alice, at=MONDAY_NOON
    )

    answer = page.get("/jobs/?queue=anytime&state=waiting")

    assert answer.context["older"].startswith("?queue=anytime&state=waiting&before=")


def test_who_may_not_see_jobs_is_told_so(client: Client, db: None) -> None:
    client.force_login(make_user("dave"))

    assert client.get("/jobs/").status_code == 403
    assert client.get("/queues/").status_code == 403
