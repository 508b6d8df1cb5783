from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job, JobState
from jobs.queueing import control
from tests.api.parts import V1, assert_error, finish, make_job, start
from tests.compat.passes import started

MADE = {
    "name": "q", "title": "Q", "enabled": False, "schedule": "nights", "host": "localhost", "pool": None,
    "max_running": 3, "weight": 2, "autostart_count": 5,
}  # fmt: skip


def told_of(api: APIClient, queue: str) -> dict[str, Any]:
    told: dict[str, Any] = api.get(f"{V1}/queues/{queue}").json()
    del told["counts"]
    return told


@pytest.fixture
def queue(api: APIClient, site: None) -> dict[str, Any]:
    """A queue in which every field says something."""
    api.post(f"{V1}/schedules", {"name": "nights"})
    assert api.post(f"{V1}/queues", MADE).status_code == 201
    return told_of(api, "q")


@pytest.mark.meets("BD-09")
def test_a_name_is_enough_for_a_queue(api: APIClient, site: None) -> None:
    answer = api.post(f"{V1}/queues", {"name": "q"})

    assert answer.status_code == 201
    told = told_of(api, "q")
    assert (told["enabled"], told["schedule"], told["host"], told["autostart_count"]) == (True, None, None, None)


@pytest.mark.meets("BD-10")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Other"), ("enabled", True), ("schedule", None), ("host", None), ("max_running", None),
        ("weight", 1), ("autostart_count", None), ("autostart_count", 7),
    ],
)  # fmt: skip
def test_a_change_of_one_field_leaves_the_others(
    api: APIClient, queue: dict[str, Any], field: str, value: object
) -> None:
    assert api.patch(f"{V1}/queues/q", {field: value}).status_code == 200

    assert told_of(api, "q") == {**queue, field: value}


@pytest.mark.meets("BD-10")
def test_a_change_of_a_queue_that_is_not_there_is_not_found(api: APIClient, queue: dict[str, Any]) -> None:
    assert_error(api.patch(f"{V1}/queues/p", {"enabled": True}), 404)


@pytest.mark.meets("BD-12")
def test_a_disabled_queue_starts_its_first_job_once_it_is_enabled(api: APIClient, alice: User, site: None) -> None:
    first = make_job(alice)
    make_job(alice)
    at = datetime.now(UTC)
    api.patch(f"{V1}/queues/nightly", {"enabled": False, "max_running": 1})
    assert started(at) == []

    api.patch(f"{V1}/queues/nightly", {"enabled": True})

    assert started(at) == [first.pk]


@pytest.mark.meets("BD-14", "BD-25")
def test_queues_tell_how_many_of_their_jobs_are_in_each_state(api: APIClient, alice: User, site: None) -> None:
    api.post(f"{V1}/queues", {"name": "other"})
    make_job(alice, is_held=True)
    make_job(alice, queue="other")
    start(make_job(alice))
    for code in (0, 1, 2):
        finish(start(make_job(alice)), exit_code=code)
    control.cancel(make_job(alice), actor="alice", at=datetime.now(UTC))

    counts = {name: api.get(f"{V1}/queues/{name}").json()["counts"] for name in ("nightly", "other")}

    nothing = dict.fromkeys(JobState.values, 0)
    assert counts["nightly"] == {**nothing, "blocked": 1, "running": 1, "succeeded": 1, "failed": 2, "cancelled": 1}
    assert counts["other"] == {**nothing, "ready": 1}
    assert sum(sum(one.values()) for one in counts.values()) == Job.objects.count()


@pytest.mark.meets("BD-22")
def test_a_changed_schedule_counts_at_the_next_look(api: APIClient, alice: User, site: None) -> None:
    friday_noon = datetime(2030, 3, 1, 12, tzinfo=UTC)
    api.post(f"{V1}/schedules", {"name": "s", "weekdays": ["Monday"]})
    api.patch(f"{V1}/queues/nightly", {"schedule": "s"})
    job = make_job(alice)
    assert started(friday_noon) == []

    api.patch(f"{V1}/schedules/s", {"weekdays": ["Friday"]})

    assert started(friday_noon) == [job.pk]
