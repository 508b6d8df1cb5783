from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from hosts.models import Host
from jobs.execution import runs
from jobs.execution.prepare import Workbench
from jobs.models import Attempt, Job, JobType, Parameter, Site
from jobs.queueing import control
from tests.api.parts import V1, assert_error, finish, make_job, start
from tests.compat.passes import started

JOB = {"queue": "nightly", "type": "render", "params": {"scene": "hall"}}


def cancelled(owner: User) -> Job:
    job = make_job(owner)
    control.cancel(job, actor=owner.get_username(), at=datetime.now(UTC))
    return job


def ended(owner: User, exit_code: int) -> Job:
    job = make_job(owner)
    finish(start(job), exit_code=exit_code)
    return job


@pytest.mark.meets("BD-25")
def test_a_job_whose_turn_has_come_runs_and_tells_its_phase(api: APIClient, alice: User, site: None) -> None:
    job = make_job(alice)

    started(datetime.now(UTC))

    told = api.get(f"{V1}/jobs/{job.pk}").json()
    assert (told["state"], told["attempts"][0]["phase"]) == ("running", "starting_host")


@pytest.mark.meets("BD-25")
def test_a_held_job_is_blocked_never_runs_and_goes_on_when_released(api: APIClient, site: None) -> None:
    at = datetime.now(UTC)
    job = api.post(f"{V1}/jobs", {**JOB, "held": True}).json()
    assert (job["state"], job["reason"]) == ("blocked", "It is held until somebody releases it.")
    assert started(at) == []

    api.post(f"{V1}/jobs/{job['id']}/release")

    assert started(at) == [job["id"]]


@pytest.mark.meets("BD-33")
def test_who_asked_for_a_job_and_when_and_why_is_kept(api: APIClient, site: None) -> None:
    before = datetime.now(UTC)
    job = api.post(f"{V1}/jobs", {**JOB, "notes": "for the client"}).json()
    finish(start(Job.objects.get(pk=job["id"])))

    told = api.get(f"{V1}/jobs/{job['id']}").json()

    assert (told["owner"], told["notes"]) == ("alice", "for the client")
    moments = [datetime.fromisoformat(told[name]) for name in ("created_at", "finished_at")]
    assert before <= moments[0] <= moments[1] <= datetime.now(UTC)


@pytest.mark.meets("BD-33")
@pytest.mark.parametrize(
    ("make", "state"),
    [
        pytest.param(lambda owner: make_job(owner, is_held=True), "blocked", id="blocked"),
        pytest.param(make_job, "ready", id="ready"),
        pytest.param(lambda owner: ended(owner, 0), "succeeded", id="succeeded"),
        pytest.param(lambda owner: ended(owner, 3), "failed", id="failed"),
        pytest.param(cancelled, "cancelled", id="cancelled"),
    ],
)
def test_a_job_can_be_removed_in_each_state_in_which_it_does_not_run(
    api: APIClient, alice: User, site: None, make: Callable[[User], Job], state: str
) -> None:
    job = make(alice)
    job.refresh_from_db()
    assert job.state == state

    assert api.delete(f"{V1}/jobs/{job.pk}").status_code == 204

    assert not Job.objects.filter(pk=job.pk).exists()


@pytest.mark.meets("BD-34")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "Done"), ("state", "succeeded"), ("tries", 3), ("try_count", 3), ("failures", 3), ("attempts", []),
        ("owner", "bob"), ("user_name", "bob"), ("exit_code", 0), ("finished_at", "2026-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_job_cannot_be_submitted(api: APIClient, site: None, key: str, value: object) -> None:
    assert_error(api.post(f"{V1}/jobs", {**JOB, key: value}), 400, field=key, code="unknown_key")

    assert Job.objects.count() == 0


@pytest.mark.meets("BD-29")
@pytest.mark.parametrize(
    ("params", "host", "site_wide", "expected"),
    [
        pytest.param({"x": "job"}, {"x": "host"}, {"x": "site"}, "job", id="the job before host and site"),
        pytest.param({}, {"x": "host"}, {"x": "site"}, "default", id="the parameter's default before host and site"),
        pytest.param(None, {"x": "host"}, {"x": "site"}, "host", id="the host before the site"),
        pytest.param(None, {}, {"x": "site"}, "site", id="the site"),
    ],
)
def test_a_name_has_the_value_that_is_nearest_to_the_job(
    alice: User, site: None, params: dict[str, Any] | None, host: dict[str, str], site_wide: dict[str, str],
    expected: str,
) -> None:  # fmt: skip
    Host.objects.update(variables=host)
    Site.objects.update_or_create(pk=1, defaults={"variables": site_wide})
    kind = JobType.objects.create(name="told", template="echo $x")
    if params is not None:
        Parameter.objects.create(job_type=kind, name="x", type="String", default="default")
    make_job(alice, type="told", params=params or {})
    started(datetime.now(UTC))

    workbench = Workbench(Host.objects.get(), runs_directory="/runs")
    [run] = runs.load([Attempt.objects.get().pk])
    request = workbench.prepare(run).request

    assert request.environment["BY_x"] == expected
    assert request.script.text.endswith('echo "${BY_x}"\n')


@pytest.mark.meets("BD-26", "BD-29", "BD-40")
@pytest.mark.parametrize(
    ("field", "wrong", "hint"),
    [
        ("type", "rendr", 'Did you mean "render"?'),
        ("queue", "nightl", 'Did you mean "nightly"?'),
        ("host", "localhos", 'Did you mean "localhost"?'),
    ],
)
def test_what_does_not_exist_is_refused_at_submission_with_the_nearest_name(
    api: APIClient, site: None, field: str, wrong: str, hint: str
) -> None:
    told = assert_error(api.post(f"{V1}/jobs", {**JOB, field: wrong}), 400, field=field)

    assert wrong in told["message"]
    assert told["hint"] == hint


@pytest.mark.meets("BD-24")
@pytest.mark.parametrize(
    ("to", "expected"),
    [("first", [2, 0, 1, 3]), ("up", [0, 2, 1, 3]), ("down", [0, 1, 3, 2]), ("last", [0, 1, 3, 2])],
)
def test_a_job_is_moved_within_its_queue(api: APIClient, alice: User, site: None, to: str, expected: list[int]) -> None:
    jobs = [make_job(alice) for _ in range(4)]

    assert api.post(f"{V1}/jobs/{jobs[2].pk}/move", {"to": to}).status_code == 200

    assert started(datetime.now(UTC)) == [jobs[place].pk for place in expected]


@pytest.mark.meets("BD-24")
def test_the_first_cannot_go_further_up_and_the_reason_is_told(api: APIClient, alice: User, site: None) -> None:
    first, last = make_job(alice), make_job(alice)

    for job, to in ((first, "up"), (last, "down")):
        told = assert_error(api.post(f"{V1}/jobs/{job.pk}/move", {"to": to}), 409)
        assert "of its queue" in told["message"]


@pytest.mark.meets("BD-24")
def test_a_job_that_moves_to_another_queue_keeps_its_params_and_is_last(
    api: APIClient, alice: User, site: None
) -> None:
    api.post(f"{V1}/queues", {"name": "daily"})
    there, job = make_job(alice, queue="daily"), make_job(alice)
    params = job.params

    told = api.post(f"{V1}/jobs/{job.pk}/move", {"queue": "daily"}).json()

    assert (told["queue"], told["params"]) == ("daily", params)
    assert started(datetime.now(UTC)) == [there.pk, job.pk]
