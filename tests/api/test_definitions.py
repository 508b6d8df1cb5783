from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from hosts.models import Host, Pool, TransportKind
from jobs.models import Job, Queue, Site
from tests.api.parts import V1, assert_error, make_job, start

TYPE = {"name": "t", "template": "echo $scene", "params": [{"name": "scene", "type": "String"}]}


# Queues


def test_a_queue_keeps_what_it_was_given(api: APIClient, site: None) -> None:
    api.post(f"{V1}/schedules", {"name": "nights"})
    given = {
        "name": "q", "title": "Q", "enabled": False, "schedule": "nights", "host": "localhost", "pool": None,
        "max_running": 3, "weight": 2, "autostart_count": 5, "keep_days": 30,
    }  # fmt: skip

    told = api.post(f"{V1}/queues", given).json()

    assert told.pop("counts") == dict.fromkeys(
        ["blocked", "ready", "running", "succeeded", "failed", "cancelled", "skipped"], 0
    )
    assert told == given


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        pytest.param({"schedule": "x"}, "schedule", id="unknown schedule"),
        pytest.param({"host": "x"}, "host", id="unknown host"),
        pytest.param({"pool": "x"}, "pool", id="unknown pool"),
        pytest.param({"host": "localhost", "pool": "p"}, "pool", id="host and pool"),
        pytest.param({"max_running": 0}, "max_running", id="49 zero"),
        pytest.param({"max_running": -1}, "max_running", id="48 negative"),
        pytest.param({"max_running": 2**31}, "max_running", id="50 2^31"),
        pytest.param({"max_running": 2**64}, "max_running", id="52 2^64"),
        pytest.param({"max_running": "3"}, "max_running", id="62 text"),
        pytest.param({"max_running": 3.0}, "max_running", id="63 fraction"),
        pytest.param({"max_running": True}, "max_running", id="64 true"),
        pytest.param({"weight": None}, "weight", id="null"),
        pytest.param({"enabled": "yes"}, "enabled", id="enabled as text"),
        pytest.param({"enabled": 1}, "enabled", id="enabled as number"),
        pytest.param({"title": 5}, "title", id="title as number"),
        pytest.param({"title": "x" * 201}, "title", id="title too long"),
        pytest.param({"title": "a\0"}, "title", id="title with NUL"),
    ],
)
def test_a_queue_that_cannot_be_is_refused(api: APIClient, site: None, wrong: dict[str, Any], field: str) -> None:
    Pool.objects.create(name="p")

    assert_error(api.post(f"{V1}/queues", {"name": "q", **wrong}), 400, field=field)
    assert not Queue.objects.filter(name="q").exists()


def test_a_queue_tells_how_many_jobs_are_in_each_state(api: APIClient, alice: User, site: None) -> None:
    make_job(alice)
    start(make_job(alice))

    counts = api.get(f"{V1}/queues/nightly").json()["counts"]

    assert (counts["ready"], counts["running"], counts["failed"]) == (1, 1, 0)


def test_a_queue_with_jobs_is_removed_only_by_force(api: APIClient, alice: User, site: None) -> None:
    make_job(alice)

    told = assert_error(api.delete(f"{V1}/queues/nightly"), 409, code="not_empty")
    assert "1 ready" in told["message"]
    assert Job.objects.count() == 1

    assert api.delete(f"{V1}/queues/nightly?forced=true").status_code == 204
    assert (Job.objects.count(), Queue.objects.count()) == (0, 0)


def test_a_queue_with_running_jobs_is_not_removed_even_by_force(api: APIClient, alice: User, site: None) -> None:
    make_job(alice)
    start(make_job(alice))

    assert_error(api.delete(f"{V1}/queues/nightly?forced=true"), 409, code="not_empty")
    assert Job.objects.count() == 2


@pytest.mark.parametrize("query", ["forced=yes", "forced=1", "force=true"])
def test_force_must_be_said_clearly(api: APIClient, site: None, query: str) -> None:
    assert_error(api.delete(f"{V1}/queues/nightly?{query}"), 400)


# Schedules


def test_a_schedule_in_its_short_form_is_answered_in_it(api: APIClient) -> None:
    given = {
        "name": "s",
        "zone": "Europe/Berlin",
        "weekdays": ["Monday", "Friday"],
        "periods": [{"begin": "22:00", "end": "06:00"}],
        "exceptions": [{"from": "2026-12-24", "to": "2026-12-26", "closed": True, "note": "Christmas"}],
        "holidays": {"country": "DE"},
    }

    told = api.post(f"{V1}/schedules", given).json()

    assert told == {
        **given,
        "title": "",
        "periods": [{"begin": "22:00:00", "end": "06:00:00"}],
        "holidays": {"country": "DE", "subdivision": None, "effect": "closed"},
        "on_close": "finish",
    }


def test_windows_with_weekdays_of_their_own_are_answered_as_windows(api: APIClient) -> None:
    windows = [
        {"weekdays": ["Monday"], "begin": "08:00:00", "end": "09:00:00"},
        {"weekdays": ["Sunday"], "begin": "00:00:00", "end": "00:00:00"},
    ]

    told = api.post(f"{V1}/schedules", {"name": "s", "windows": windows}).json()

    assert told["windows"] == windows
    assert "weekdays" not in told


def test_a_change_of_one_part_of_a_schedule_keeps_the_others(api: APIClient) -> None:
    api.post(f"{V1}/schedules", {"name": "s", "zone": "Asia/Tokyo", "weekdays": ["Monday"]})

    told = api.patch(f"{V1}/schedules/s", {"periods": [{"begin": "01:00", "end": "02:00"}]}).json()

    assert (told["zone"], told["weekdays"]) == ("Asia/Tokyo", ["Monday"])
    assert told["periods"] == [{"begin": "01:00:00", "end": "02:00:00"}]


def test_windows_take_the_place_of_the_short_form(api: APIClient) -> None:
    api.post(f"{V1}/schedules", {"name": "s", "weekdays": ["Monday"]})
    windows = [
        {"weekdays": ["Monday"], "begin": "08:00:00", "end": "09:00:00"},
        {"weekdays": ["Friday"], "begin": "08:00:00", "end": "10:00:00"},
    ]

    assert api.patch(f"{V1}/schedules/s", {"windows": windows}).json()["windows"] == windows
    assert api.patch(f"{V1}/schedules/s", {"weekdays": [], "periods": []}).json()["weekdays"] == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        pytest.param({"zone": "Mars/Phobos"}, "zone", id="77 unknown zone"),
        pytest.param({"zone": "../../etc/localtime"}, "zone", id="78 path"),
        pytest.param({"zone": 5}, "zone", id="zone as number"),
        pytest.param({"weekdays": [1]}, "weekdays[0]", id="weekday as number"),
        pytest.param({"weekdays": ["Mittwoch"]}, "weekdays[0]", id="other language"),
        pytest.param({"weekdays": "Monday"}, "weekdays", id="no list"),
        pytest.param({"periods": [{"begin": "25:00", "end": "01:00"}]}, "periods[0].begin", id="69 25:00"),
        pytest.param({"periods": [{"begin": "10:00", "end": "24:00"}]}, "periods[0].end", id="70 24:00"),
        pytest.param({"periods": [{"begin": "12:60", "end": "13:00"}]}, "periods[0].begin", id="71 12:60"),
        pytest.param({"periods": [{"begin": "12:00:60", "end": "13:00"}]}, "periods[0].begin", id="72 seconds"),
        pytest.param({"periods": [{"begin": "10:00:00", "end": "10:00:30"}]}, "periods[0].end", id="84 short"),
        pytest.param({"exceptions": [{"from": "2026-02-30", "closed": True}]}, "exceptions[0].from", id="73 Feb 30"),
        pytest.param({"exceptions": [{"from": "0000-01-01", "closed": True}]}, "exceptions[0].from", id="75 year 0"),
        pytest.param(
            {"exceptions": [{"from": "2026-02-03", "to": "2026-02-01", "closed": True}]}, "exceptions[0].to", id="81"
        ),
        pytest.param({"holidays": {"country": "XX"}}, "holidays.country", id="unknown country"),
        pytest.param({"holidays": {"country": "DE", "effect": "ignored"}}, "holidays.effect", id="ignored"),
        pytest.param({"windows": [], "periods": []}, "periods", id="both forms"),
        pytest.param({"on_close": "explode"}, "on_close", id="on_close"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(api: APIClient, wrong: dict[str, Any], field: str) -> None:
    assert_error(api.post(f"{V1}/schedules", {"name": "s", **wrong}), 400, field=field)


def test_the_next_openings_of_a_schedule_are_told(api: APIClient) -> None:
    api.post(f"{V1}/schedules", {"name": "s", "weekdays": ["Friday"], "periods": [{"begin": "22:00", "end": "06:00"}]})

    told = api.get(f"{V1}/schedules/s/openings?from=2026-01-01T00:00:00Z&count=2").json()

    assert told["results"] == [
        {"begin": "2026-01-02T22:00:00.000000Z", "end": "2026-01-03T06:00:00.000000Z"},
        {"begin": "2026-01-09T22:00:00.000000Z", "end": "2026-01-10T06:00:00.000000Z"},
    ]


@pytest.mark.parametrize(
    "given", [{}, {"exceptions": [{"from": "2026-01-01", "closed": True}]}], ids=["always", "nearly"]
)
def test_openings_that_last_for_years_are_told(api: APIClient, given: dict[str, Any]) -> None:
    api.post(f"{V1}/schedules", {"name": "s", **given})

    assert len(api.get(f"{V1}/schedules/s/openings").json()["results"]) == 1


@pytest.mark.parametrize(
    "query",
    ["count=0", "count=501", "count=x", "from=now", "from=2026-01-01", "from=0001-01-01T00:00:00Z",
     "from=9999-12-31T23:59:59Z", "form=x"],
)  # fmt: skip
def test_openings_that_cannot_be_asked_for_are_refused(api: APIClient, query: str) -> None:
    api.post(f"{V1}/schedules", {"name": "s"})

    assert_error(api.get(f"{V1}/schedules/s/openings?{query}"), 400)


def test_a_schedule_in_use_is_not_removed(api: APIClient, site: None) -> None:
    api.post(f"{V1}/schedules", {"name": "s"})
    api.patch(f"{V1}/queues/nightly", {"schedule": "s"})

    told = assert_error(api.delete(f"{V1}/schedules/s"), 409, code="in_use")

    assert 'queue "nightly"' in told["message"]


# Job types


def test_a_job_type_keeps_what_it_was_given(api: APIClient, site: None) -> None:
    given = {
        "name": "t",
        "title": "T",
        "template": "convert {scene} {out}",
        "syntax": "braces",
        "params": [
            {"name": "scene", "type": "InputFile", "title": "Scene", "default": None, "required": True},
            {"name": "out", "type": "OutputFile", "title": "out", "default": None, "required": False},
            {
                "name": "size",
                "type": "Choice",
                "title": "size",
                "default": "s",
                "required": False,
                "choices": ["s", "l"],
            },
        ],
        "on_fail": {"retry": {"when": "later", "count": 3, "delay": 60}},
        "time_limit": 3600,
        "lost_after": 7200,
        "grace": 5,
        "host": "localhost",
        "max_running": 2,
        "environment": {"LANG": "C"},
        "directory": "/srv",
    }

    answer = api.post(f"{V1}/job-types", given)

    assert answer.json() == given


@pytest.mark.meets("BD-28")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("continue", "continue"),
        ("retry", {"retry": {"when": "now", "count": 1, "delay": 0}}),
        ({"retry": {"count": 4}}, {"retry": {"when": "now", "count": 4, "delay": 0}}),
    ],
    ids=["continue", "retry", "count"],
)
def test_what_follows_a_failure_is_read_in_each_form(api: APIClient, given: object, told: object) -> None:
    assert api.post(f"{V1}/job-types", {**TYPE, "on_fail": given}).json()["on_fail"] == told


def test_the_parameters_of_a_job_type_stay_when_something_else_changes(api: APIClient) -> None:
    made = api.post(f"{V1}/job-types", TYPE).json()

    assert api.patch(f"{V1}/job-types/t", {"max_running": 1}).json() == {**made, "max_running": 1}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        pytest.param({"template": ""}, "template", id="105 empty command"),
        pytest.param({"template": "  "}, "template", id="106 spaces"),
        pytest.param({"template": "echo '$scene'"}, "template", id="single quotes"),
        pytest.param({"template": "echo 'a"}, "template", id="126 open quote"),
        pytest.param({"template": "a\0"}, "template", id="108 NUL"),
        pytest.param({"template": ["a"]}, "template", id="template as list"),
        pytest.param({"syntax": "perl"}, "syntax", id="unknown syntax"),
        pytest.param({"params": {}}, "params", id="params as object"),
        pytest.param({"params": [{"name": "1x"}]}, "params[0].name", id="123 name"),
        pytest.param({"params": [{"name": "a"}, {"name": "A"}]}, "params[1].name", id="39 case twin"),
        pytest.param({"params": [{"name": "a", "type": "Text"}]}, "params[0].type", id="unknown type"),
        pytest.param({"params": [{"name": "a", "type": "Int", "default": "x"}]}, "params[0].default", id="default"),
        pytest.param({"params": [{"name": "a", "type": "Choice"}]}, "params[0].choices", id="no choices"),
        pytest.param({"on_fail": "explode"}, "on_fail", id="on_fail word"),
        pytest.param({"on_fail": {"retry": {"count": 10**9}}}, "on_fail.retry.count", id="66 retries"),
        pytest.param({"on_fail": {"retry": {"when": "soon"}}}, "on_fail.retry.when", id="retry when"),
        pytest.param({"time_limit": 0}, "time_limit", id="67 limit 0"),
        pytest.param({"time_limit": -5}, "time_limit", id="67 limit -5"),
        pytest.param({"time_limit": 100 * 366 * 86400}, "time_limit", id="67 limit 100 years"),
        pytest.param({"environment": {"a=b": "x"}}, "environment", id="123 a=b"),
        pytest.param({"environment": {"": "x"}}, "environment", id="123 empty"),
        pytest.param({"environment": {"BY_x": "x"}}, "environment", id="our name"),
        pytest.param({"environment": {"A": "a\0"}}, "environment.A", id="NUL in a value"),
        pytest.param({"environment": {"A": 5}}, "environment.A", id="number as a value"),
        pytest.param({"environment": {"A": "x" * 200_000}}, "environment.A", id="124 long value"),
        pytest.param({"host": "x"}, "host", id="unknown host"),
    ],
)
def test_a_job_type_that_cannot_be_is_refused(api: APIClient, wrong: dict[str, Any], field: str) -> None:
    assert_error(api.post(f"{V1}/job-types", {**TYPE, **wrong}), 400, field=field)
    assert_error(api.get(f"{V1}/job-types/t"), 404)


def test_a_change_that_breaks_the_template_is_refused(api: APIClient) -> None:
    api.post(f"{V1}/job-types", {**TYPE, "template": "awk '{print $1}' $scene"})

    answer = api.patch(f"{V1}/job-types/t", {"template": "echo '$scene'"})

    told = assert_error(answer, 400, field="template")
    assert "BY_scene" in f"{told['message']} {told['hint']}"


@pytest.mark.parametrize("where", ["site", "host"])
def test_variables_of_site_and_hosts_are_names_of_templates(api: APIClient, where: str) -> None:
    if where == "site":
        Site.objects.update_or_create(pk=1, defaults={"variables": {"blender": "/opt/b"}})
    else:
        Host.objects.create(name="h", transport=TransportKind.LOCAL, variables={"blender": "/opt/b"})

    answer = api.post(f"{V1}/job-types", {"name": "t", "template": "'$blender' -b"})

    assert_error(answer, 400, field="template")


@pytest.mark.meets("BD-26")
def test_a_job_type_with_jobs_is_not_removed(api: APIClient, job: dict[str, Any]) -> None:
    assert_error(api.delete(f"{V1}/job-types/render"), 409, code="in_use")
