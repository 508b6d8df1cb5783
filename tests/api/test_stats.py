from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from jobs.config.removal import remove_job
from jobs.models import Queue
from tests.api.conftest import client_of
from tests.api.parts import V1, assert_error, finish, make_job, start
from tests.builders import grant


def ended(owner: User, *, exit_code: int = 0, queue: str = "nightly") -> None:
    finish(start(make_job(owner, queue=queue)), exit_code=exit_code)


@pytest.fixture
def work(alice: User, site: None) -> None:
    Queue.objects.create(name="daily")
    ended(alice)
    ended(alice, exit_code=3)
    ended(alice, queue="daily")


def test_what_has_ended_is_told_by_queue(api: APIClient, work: None) -> None:
    told = api.get(f"{V1}/stats").json()

    today = datetime.now(UTC).date()
    assert (told["since"], told["until"]) == ((today - timedelta(days=29)).isoformat(), today.isoformat())
    assert told["by"] == ["queue"]
    found = {row["queue"]: (row["count"], row["outcomes"]) for row in told["results"]}
    assert found == {"daily": (1, {"succeeded": 1}), "nightly": (2, {"succeeded": 1, "failed": 1})}
    assert set(told["results"][0]["run_seconds"]) == {"sum", "mean", "p50", "p90", "p99", "max"}


def test_it_can_be_told_apart_and_narrowed(api: APIClient, work: None) -> None:
    told = api.get(f"{V1}/stats?by=day,type,host,owner&queue=nightly").json()

    [row] = told["results"]
    assert (row["type"], row["host"], row["owner"], row["count"]) == ("render", "localhost", "alice", 2)
    assert api.get(f"{V1}/stats?queue=none").json()["results"] == []


def test_a_queue_tells_its_own_by_day(api: APIClient, work: None) -> None:
    told = api.get(f"{V1}/queues/daily/stats").json()

    assert told["by"] == ["day"]
    assert [(row["day"], row["count"]) for row in told["results"]] == [(datetime.now(UTC).date().isoformat(), 1)]


def test_jobs_that_are_gone_stay_counted(api: APIClient, alice: User, site: None) -> None:
    attempt = start(make_job(alice))
    finish(attempt)
    remove_job(attempt.job)

    assert api.get(f"{V1}/stats").json()["results"][0]["count"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("by=colour", "by"), ("by=", "by"), ("since=yesterday", "since"), ("until=0001-01-01", "until"),
        ("since=2026-02-01&until=2026-01-01", "since"), ("since=2001-01-01&until=2026-01-01", "since"), ("x=1", "x"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(api: APIClient, site: None, query: str, field: str) -> None:
    assert_error(api.get(f"{V1}/stats?{query}"), 400, field=field)


def test_only_what_somebody_may_see_is_counted(bob: User, work: None) -> None:
    assert_error(client_of(bob).get(f"{V1}/stats"), 403)

    person = client_of(grant(bob, "ViewJobs", queue=Queue.objects.get(name="daily")))

    assert [row["queue"] for row in person.get(f"{V1}/stats").json()["results"]] == ["daily"]
