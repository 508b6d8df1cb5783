from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from hosts.models import Host, TransportKind
from jobs.api.answers import AttemptAnswer, JobAnswer
from jobs.models import Event, Job, Queue
from tests.api.parts import V1, assert_error, make_job, start

JOB = {"queue": "nightly", "type": "render", "params": {"scene": "hall"}}


def test_a_submitted_job_is_told_with_all_its_keys(job: dict[str, Any]) -> None:
    assert set(job) == set(JobAnswer().fields)
    assert job["params"] == {"scene": "a b", "frame": "1"}
    assert (job["state"], job["owner"], job["attempts"]) == ("ready", "alice", [])


def test_an_attempt_is_told_with_all_its_keys(api: APIClient, alice: User, site: None) -> None:
    job = make_job(alice)
    start(job)

    told = api.get(f"{V1}/jobs/{job.pk}").json()

    assert set(told["attempts"][0]) == set(AttemptAnswer().fields)
    assert told["attempts"][0]["host"] == "localhost"


@pytest.mark.parametrize("slash", ["", "/"])
def test_addresses_work_with_and_without_a_slash_at_the_end(api: APIClient, site: None, slash: str) -> None:
    made = api.post(f"{V1}/jobs{slash}", JOB)

    assert made.status_code == 201
    assert api.get(f"{V1}/jobs/{made.json()['id']}{slash}").status_code == 200
    assert api.post(f"{V1}/jobs/{made.json()['id']}/hold{slash}").status_code == 200


def test_a_repeat_with_the_same_key_answers_with_the_same_job(api: APIClient, site: None) -> None:
    first = api.post(f"{V1}/jobs", JOB, HTTP_IDEMPOTENCY_KEY="k1")
    second = api.post(f"{V1}/jobs", JOB, HTTP_IDEMPOTENCY_KEY="k1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]


def test_a_key_that_was_used_for_another_job_is_refused(api: APIClient, site: None) -> None:
    api.post(f"{V1}/jobs", JOB, HTTP_IDEMPOTENCY_KEY="k1")

    answer = api.post(f"{V1}/jobs", {**JOB, "priority": 7}, HTTP_IDEMPOTENCY_KEY="k1")

    assert_error(answer, 409, code="idempotency_key_reused")


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"], ids=["empty", "long", "tab"])
def test_a_key_that_cannot_be_one_is_refused(api: APIClient, site: None, key: str) -> None:
    assert_error(api.post(f"{V1}/jobs", JOB, HTTP_IDEMPOTENCY_KEY=key), 400, code="bad_idempotency_key")


def test_many_jobs_come_in_at_once_in_their_order(api: APIClient, site: None) -> None:
    answer = api.post(f"{V1}/jobs/bulk", {"jobs": [JOB, {**JOB, "priority": 3}]})

    assert answer.status_code == 201
    ids = answer.json()["ids"]
    assert [Job.objects.get(pk=pk).priority for pk in ids] == [0, 3]


@pytest.mark.parametrize("count", [1, 3])
def test_one_wrong_job_keeps_all_out(api: APIClient, site: None, count: int) -> None:
    wrong = {**JOB, "params": {"scen": "x"}}

    answer = api.post(f"{V1}/jobs/bulk", {"jobs": [JOB] * (count - 1) + [wrong]})

    assert_error(answer, 400, code="unknown_parameter", field=f"jobs[{count - 1}].params.scen")
    assert Job.objects.count() == 0


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("117 undeclared parameter", {"params": {"scene": "x", "scenee": "y"}}, "params.scenee"),
    ("118 missing required", {"params": {}}, "params.scene"),
    ("119 wrong type", {"params": {"scene": ["x"]}}, "params.scene"),
    ("63 5.0 for int", {"params": {"scene": "x", "frame": 5.0}}, "params.frame"),
    ("64 true for int", {"params": {"scene": "x", "frame": True}}, "params.frame"),
    ("62 blanks", {"params": {"scene": "x", "frame": " 5 "}}, "params.frame"),
    ("61 other digits", {"params": {"scene": "x", "frame": "१२"}}, "params.frame"),
    ("108 NUL", {"params": {"scene": "a\0b"}}, "params.scene"),
    ("priority as text", {"priority": "5"}, "priority"),
    ("priority true", {"priority": True}, "priority"),
    ("priority 1.5", {"priority": 1.5}, "priority"),
    ("51 priority 2^63", {"priority": 2**63}, "priority"),
    ("53 priority 10^100", {"priority": 10**100}, "priority"),
    ("76 naive time", {"not_before": "2026-01-01T00:00:00"}, "not_before"),
    ("73 Feb 30", {"not_before": "2026-02-30T00:00:00Z"}, "not_before"),
    ("75 year 10000", {"not_before": "10000-01-01T00:00:00Z"}, "not_before"),
    ("80 offset", {"not_before": "2026-01-01T00:00:00+25:00"}, "not_before"),
    ("104 far ahead", {"not_before": "2126-01-01T00:00:00Z"}, "not_before"),
    ("time as number", {"not_before": 5}, "not_before"),
    ("unknown queue", {"queue": "nightli"}, "queue"),
    ("queue as number", {"queue": 5}, "queue"),
    ("unknown type", {"type": "rendr"}, "type"),
    ("unknown host", {"host": "lokalhost"}, "host"),
    ("notes as list", {"notes": []}, "notes"),
    ("172 unknown key", {"prio": 1}, "prio"),
    ("184 owner", {"owner": "bob"}, "owner"),
    ("184 state", {"state": "succeeded"}, "state"),
    ("184 id", {"id": 5}, "id"),
    ("184 exit_code", {"exit_code": 0}, "exit_code"),
    ("params as list", {"params": []}, "params"),
    ("held as text", {"held": "yes"}, "held"),
]


@pytest.mark.meets("BD-29", "BD-34")
@pytest.mark.parametrize(("wrong", "field"), [pytest.param(w, f, id=name) for name, w, f in WRONG])
def test_what_cannot_be_meant_is_refused_by_field(
    api: APIClient, site: None, wrong: dict[str, Any], field: str
) -> None:
    answer = api.post(f"{V1}/jobs", {**JOB, **wrong})

    assert_error(answer, 400, field=field)
    assert Job.objects.count() == 0


def test_a_near_miss_is_helped(api: APIClient, site: None) -> None:
    told = assert_error(api.post(f"{V1}/jobs", {**JOB, "queue": "nightli"}), 400)

    assert told["hint"] == 'Did you mean "nightly"?'


def test_several_problems_are_all_listed(api: APIClient, site: None) -> None:
    told = assert_error(api.post(f"{V1}/jobs", {"prio": 1, "priority": "x"}), 400)

    assert [error["field"] for error in told["errors"]] == ["prio", "queue", "type", "priority"]
    assert told["field"] == "prio"


@pytest.mark.parametrize(
    "pk",
    ["0", "999999", str(2**63), str(2**64), "1.0", "-1", "1e3", "0x10", "१", "abc", "%00", "1" * 5000],
    ids=[
        "49 zero",
        "none",
        "51 2^63",
        "52 2^64",
        "float",
        "48 negative",
        "exponent",
        "58 hex",
        "61 digits",
        "text",
        "18 NUL",
        "68 5000 digits",
    ],
)
def test_an_id_that_is_none_is_not_found(api: APIClient, site: None, pk: str) -> None:
    assert_error(api.get(f"{V1}/jobs/{pk}"), 404)
    assert_error(api.post(f"{V1}/jobs/{pk}/cancel"), 404)


def test_the_newest_job_is_listed_first(api: APIClient, alice: User, site: None) -> None:
    first, second = make_job(alice), make_job(alice)

    told = api.get(f"{V1}/jobs").json()

    assert [one["id"] for one in told["results"]] == [second.pk, first.pk]
    assert (told["next"], told["previous"]) == (None, None)


def test_pages_lead_through_all_jobs_and_back(api: APIClient, alice: User, site: None) -> None:
    jobs = [make_job(alice).pk for _ in range(5)]

    first = api.get(f"{V1}/jobs?page_size=2").json()
    second = api.get(first["next"]).json()
    third = api.get(second["next"]).json()

    assert [one["id"] for page in (first, second, third) for one in page["results"]] == jobs[::-1]
    assert third["next"] is None
    assert [one["id"] for one in api.get(second["previous"]).json()["results"]] == [jobs[4], jobs[3]]


def test_jobs_are_narrowed_by_what_is_asked(api: APIClient, alice: User, bob: User, site: None) -> None:
    Queue.objects.create(name="daily")
    here = Host.objects.create(name="build1", transport=TransportKind.LOCAL)
    mine = make_job(alice, queue="daily", host=here.name)
    make_job(bob)

    for query in (
        "queue=daily",
        "host=build1",
        "owner=alice",
        "type=render&queue=daily",
        "state=ready,failed&queue=daily",
    ):
        assert [one["id"] for one in api.get(f"{V1}/jobs?{query}").json()["results"]] == [mine.pk], query
    assert api.get(f"{V1}/jobs?state=failed").json()["results"] == []


def test_jobs_are_narrowed_by_the_time_of_their_creation(api: APIClient, alice: User, site: None) -> None:
    job = make_job(alice)
    Job.objects.filter(pk=job.pk).update(created_at=datetime(2026, 3, 1, tzinfo=UTC))

    def found(query: str) -> int:
        return len(api.get(f"{V1}/jobs?{query}").json()["results"])

    assert found("created_after=2026-03-01T00:00:00Z&created_before=2026-03-02T00:00:00Z") == 1
    assert found("created_before=2026-03-01T00:00:00Z") == 0


@pytest.mark.parametrize(
    "query",
    [
        "stat=ready",
        "owner__password__startswith=a",
        "page=-1",
        "page_size=0",
        "page_size=501",
        "page_size=1e3",
        "page_size=%201",
        "page_size=-1",
        "page_size=१",
        "ordering=password",
        "cursor=xxx",
        "cursor=cD1hYmM%3D",
        "state=wating",
        "queue=nightli",
        "type=x",
        "host=x",
        "owner=x",
        "created_after=yesterday",
        "created_after=2026-01-01T00:00:00",
        "queue=a&queue=b",
        "queue=%00",
        "format=xml",
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(api: APIClient, site: None, query: str) -> None:
    assert_error(api.get(f"{V1}/jobs?{query}"), 400)


def test_a_list_costs_the_same_number_of_queries_however_long(
    api: APIClient, alice: User, site: None, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        start(make_job(alice))

    with django_assert_max_num_queries(4):
        assert len(api.get(f"{V1}/jobs").json()["results"]) == 20


def test_a_waiting_job_is_changed(api: APIClient, job: dict[str, Any]) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    answer = api.patch(f"{V1}/jobs/{job['id']}", {"priority": 5, "notes": "n", "host": "localhost", "not_before": soon})

    told = answer.json()
    assert answer.status_code == 200, told
    assert (told["priority"], told["notes"], told["host"], told["state"]) == (5, "n", "localhost", "blocked")
    assert api.patch(f"{V1}/jobs/{job['id']}", {"not_before": None, "host": None}).json()["state"] == "ready"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "succeeded"},
        {"owner": "bob"},
        {"params": {}},
        {"host": "nowhere"},
        {"priority": 2**31},
        {"priority": None},
        {"notes": 5},
        {"not_before": "2126-01-01T00:00:00Z"},
    ],
)
def test_a_change_that_cannot_be_is_refused(api: APIClient, job: dict[str, Any], change: dict[str, Any]) -> None:
    assert_error(api.patch(f"{V1}/jobs/{job['id']}", change), 400, field=next(iter(change)))


def test_a_running_job_keeps_its_priority_but_takes_notes(api: APIClient, alice: User, site: None) -> None:
    job = make_job(alice)
    start(job)

    assert_error(api.patch(f"{V1}/jobs/{job.pk}", {"priority": 5}), 409, code="not_waiting")
    assert api.patch(f"{V1}/jobs/{job.pk}", {"notes": "hm"}).json()["notes"] == "hm"


@pytest.mark.meets("BD-33")
def test_a_job_that_does_not_run_is_removed_with_its_history(api: APIClient, job: dict[str, Any]) -> None:
    assert api.delete(f"{V1}/jobs/{job['id']}").status_code == 204

    assert_error(api.get(f"{V1}/jobs/{job['id']}"), 404)
    assert not Event.objects.filter(job_id=job["id"]).exists()


@pytest.mark.meets("BD-33")
def test_a_running_job_is_not_removed(api: APIClient, alice: User, site: None) -> None:
    job = make_job(alice)
    start(job)

    assert_error(api.delete(f"{V1}/jobs/{job.pk}"), 409, code="running")
    assert Job.objects.filter(pk=job.pk).exists()


def test_a_waiting_job_is_held_released_cancelled_and_retried(api: APIClient, job: dict[str, Any]) -> None:
    states = []
    for verb in ("hold", "release", "cancel", "retry"):
        answer = api.post(f"{V1}/jobs/{job['id']}/{verb}")
        states.append((answer.status_code, answer.json()["state"]))

    assert states == [(200, "blocked"), (200, "ready"), (200, "cancelled"), (200, "ready")]


@pytest.mark.parametrize("verb", ["cancel", "kill", "pause"])
def test_what_a_host_must_carry_out_is_accepted(api: APIClient, alice: User, site: None, verb: str) -> None:
    job = make_job(alice)
    start(job)

    answer = api.post(f"{V1}/jobs/{job.pk}/{verb}")

    assert answer.status_code == 202
    assert answer.json()["attempts"][0]["asked"] == verb


@pytest.mark.parametrize("verb", ["kill", "pause", "resume", "retry"])
def test_what_a_waiting_job_cannot_do_is_refused(api: APIClient, job: dict[str, Any], verb: str) -> None:
    assert_error(api.post(f"{V1}/jobs/{job['id']}/{verb}"), 409)


def test_an_action_takes_no_keys_it_does_not_know(api: APIClient, job: dict[str, Any]) -> None:
    assert_error(api.post(f"{V1}/jobs/{job['id']}/hold", {"until": 5}), 400, code="unknown_key", field="until")


def test_a_job_moves_to_another_queue_and_before_another(api: APIClient, alice: User, site: None) -> None:
    Queue.objects.create(name="daily")
    first, second = make_job(alice, queue="daily"), make_job(alice)

    answer = api.post(f"{V1}/jobs/{second.pk}/move", {"queue": "daily", "before": first.pk})

    assert answer.status_code == 200, answer.json()
    second.refresh_from_db()
    first.refresh_from_db()
    assert second.queue.name == "daily"
    assert second.position < first.position


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"queue": "x"}, "queue"),
        ({"to": "middle"}, "to"),
        ({"to": "up", "queue": "nightly"}, "to"),
        ({"to": "first", "before": 1}, "to"),
        ({"before": 99}, "before"),
        ({"before": 2**63}, "before"),
    ],
    ids=["queue", "place", "up into a queue", "two places", "before", "too large"],
)
def test_a_move_to_nowhere_is_refused(api: APIClient, job: dict[str, Any], told: dict[str, Any], field: str) -> None:
    assert_error(api.post(f"{V1}/jobs/{job['id']}/move", told), 400, field=field)


def test_a_job_that_may_start_is_told_so(api: APIClient, job: dict[str, Any]) -> None:
    told = api.get(f"{V1}/jobs/{job['id']}/explain").json()

    assert told == {"startable": True, "blockers": [], "forecast": None}


def test_what_keeps_a_job_from_starting_is_told_in_sentences(api: APIClient, job: dict[str, Any]) -> None:
    api.patch(f"{V1}/queues/nightly", {"enabled": False})

    told = api.get(f"{V1}/jobs/{job['id']}/explain").json()

    assert told["startable"] is False
    assert told["blockers"][0] == {"kind": "queue_disabled", "message": 'Queue "nightly" is disabled.', "until": None}


def test_the_history_of_a_job_is_told_in_order(api: APIClient, job: dict[str, Any]) -> None:
    api.post(f"{V1}/jobs/{job['id']}/cancel")

    told = api.get(f"{V1}/jobs/{job['id']}/events").json()["results"]

    assert [(event["was"], event["now"], event["actor"]) for event in told] == [
        (None, "ready", "alice"),
        ("ready", "cancelled", "alice"),
    ]
