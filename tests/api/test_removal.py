"""A forced removal takes what needs the thing with it, tells beforehand what that is, and ends nothing that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import AuditEntry, Grant, User
from hosts.models import Host, Lease, PoolMember, TransportKind
from jobs.models import Attempt, DroppedOutput, Event, Job, JobType, Lane, Output, Parameter, Queue, Schedule, Window
from tests.api.conftest import client_of
from tests.api.parts import V1, assert_error, finish, make_job, start, write
from tests.builders import grant, make_pool

OF_JOBS = (Job, Attempt, Event, Output)


def left(*models: Any) -> list[int]:
    return [model.objects.count() for model in models]


@pytest.fixture
def work(alice: User, bob: User, site: None) -> Job:
    """A finished job with output, a waiting one and a held one, in a queue with a schedule and a grant."""
    schedule = Schedule.objects.create(name="always")
    Window.objects.create(schedule=schedule, weekdays=[])
    Queue.objects.update(schedule=schedule)
    Grant.objects.create(user=bob, permission="ViewJobs", queue=Queue.objects.get())
    Grant.objects.create(user=bob, permission="ViewJobs", type=JobType.objects.get())
    Grant.objects.create(user=bob, permission="ViewJobs", host=Host.objects.get())
    attempt = start(make_job(alice))
    write(attempt, ("stdout", b"hello"))
    finish(attempt)
    make_job(alice, host="localhost")
    make_job(alice, is_held=True)
    return attempt.job


TOLD = "1 blocked, 1 ready, 1 succeeded"


def listed(message: str) -> str:
    """The counts of a refusal, in the order of their words."""
    return ", ".join(sorted(message.rstrip(".").rpartition(": ")[2].split(", "), key=lambda part: part.split()[1]))


@pytest.mark.meets("BD-11")
def test_a_queue_with_jobs_stays_and_tells_what_would_go(api: APIClient, work: Job) -> None:
    told = assert_error(api.delete(f"{V1}/queues/nightly"), 409, code="not_empty")

    assert told["message"].startswith('Queue "nightly" has jobs: ')
    assert listed(told["message"]) == TOLD
    assert "?forced=true" in told["hint"]
    assert left(Queue, Job) == [1, 3]


@pytest.mark.meets("BD-11")
@pytest.mark.django_db(transaction=True)
def test_a_forced_removal_of_a_queue_leaves_nothing_of_it(api: APIClient, work: Job) -> None:
    assert api.delete(f"{V1}/queues/nightly?forced=true").status_code == 204

    assert left(Queue, Lane, DroppedOutput, *OF_JOBS) == [0] * 7
    assert left(Schedule, JobType, Host, Grant) == [1, 1, 1, 2]
    assert [path for path in Path(settings.BATCHYARD_OUTPUT_DIR).rglob("*") if path.is_file()] == []
    entry = AuditEntry.objects.get(action="remove", kind="jobs.queue")
    assert entry.after == {"jobs": {"blocked": 1, "ready": 1, "succeeded": 1}}


@pytest.mark.meets("BD-15")
def test_a_schedule_in_use_stays_and_tells_by_what(api: APIClient, work: Job) -> None:
    told = assert_error(api.delete(f"{V1}/schedules/always"), 409, code="in_use")

    assert told["message"] == 'Schedule "always" is used by queue "nightly".'
    assert "?forced=true" in told["hint"]


@pytest.mark.meets("BD-15")
def test_a_forced_removal_of_a_schedule_takes_its_queues_and_their_jobs(api: APIClient, work: Job) -> None:
    Queue.objects.create(name="other")

    assert api.delete(f"{V1}/schedules/always?forced=true").status_code == 204

    assert left(Schedule, Window, Lane, *OF_JOBS) == [0] * 7
    assert list(Queue.objects.values_list("name", flat=True)) == ["other"]


def test_a_forced_removal_of_a_job_type_takes_its_jobs(api: APIClient, work: Job) -> None:
    told = assert_error(api.delete(f"{V1}/job-types/render"), 409, code="in_use")
    assert listed(told["message"]) == TOLD

    assert api.delete(f"{V1}/job-types/render?forced=true").status_code == 204

    assert left(JobType, Parameter, Lane, *OF_JOBS) == [0] * 7
    assert left(Queue, Grant) == [1, 2]


def test_a_forced_removal_of_a_host_takes_what_ran_there_or_asked_for_it(api: APIClient, work: Job) -> None:
    make_pool("both", Host.objects.get())
    told = assert_error(api.delete(f"{V1}/hosts/localhost"), 409, code="in_use")
    assert listed(told["message"]) == "1 ready, 1 succeeded"

    assert api.delete(f"{V1}/hosts/localhost?forced=true").status_code == 204

    assert left(Host, PoolMember, Lease, Attempt, Output) == [0] * 5
    assert list(Job.objects.values_list("state", flat=True)) == ["blocked"]


@pytest.mark.parametrize("of", [Queue, JobType], ids=["queue", "type"])
def test_a_host_that_is_named_stays_even_so(api: APIClient, site: None, of: type[Queue | JobType]) -> None:
    host = Host.objects.create(name="build1", transport=TransportKind.LOCAL)
    of._default_manager.update(host=host)

    told = assert_error(api.delete(f"{V1}/hosts/build1?forced=true"), 409, code="in_use")

    assert str(of._default_manager.get()) in told["message"]
    assert "another host" in told["hint"]


@pytest.mark.parametrize(
    "address", ["queues/nightly", "schedules/always", "job-types/render", "hosts/localhost"],
    ids=["queue", "schedule", "type", "host"],
)  # fmt: skip
def test_what_runs_keeps_everything(api: APIClient, alice: User, work: Job, address: str) -> None:
    start(make_job(alice))

    told = assert_error(api.delete(f"{V1}/{address}?forced=true"), 409)

    assert "1 running" in told["message"]
    assert told["hint"].startswith("Running jobs must end first.")
    assert left(Queue, Schedule, JobType, Host, Job) == [1, 1, 1, 1, 4]


@pytest.mark.parametrize("noun", ["queues/nightly", "schedules/always", "job-types/render", "hosts/localhost"])
@pytest.mark.parametrize("query", ["forced=yes", "force=true", "forced=true&forced=true"])
def test_only_true_forces(api: APIClient, work: Job, noun: str, query: str) -> None:
    assert api.delete(f"{V1}/{noun}?{query}").status_code == 400

    assert left(Job) == [3]


def test_more_jobs_than_one_batch_go(api: APIClient, alice: User, site: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.config.removal.BATCH", 2)
    for _ in range(5):
        make_job(alice)

    assert api.delete(f"{V1}/queues/nightly?forced=true").status_code == 204

    assert left(Queue, Job) == [0, 0]


@pytest.mark.parametrize(
    ("address", "permission"),
    [
        ("schedules/always", "ManageSchedules"),
        ("job-types/render", "ManageJobTypes"),
        ("hosts/localhost", "ManageHosts"),
    ],
    ids=["schedule", "type", "host"],
)
def test_what_goes_with_it_has_to_be_theirs_to_remove(bob: User, work: Job, address: str, permission: str) -> None:
    api = client_of(grant(bob, permission))
    assert_error(api.delete(f"{V1}/{address}"), 409, code="in_use")

    assert_error(api.delete(f"{V1}/{address}?forced=true"), 403)

    assert left(Job) == [3]
