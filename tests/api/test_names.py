from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from hosts.models import Host, Pool
from jobs.models import JobType, Queue, Schedule
from tests.api.parts import V1, assert_error

# The least that makes one of each.
BODIES: dict[str, dict[str, Any]] = {
    "queues": {},
    "schedules": {},
    "job-types": {"template": "true"},
    "hosts": {"transport": "local"},
    "pools": {},
}
MODELS = {"queues": Queue, "schedules": Schedule, "job-types": JobType, "hosts": Host, "pools": Pool}
BAD_NAMES = {
    "1 empty": "",
    "2 spaces": "  ",
    "3 zero width": "\u200b",
    "4 leading space": " a",
    "4 trailing space": "a ",
    "5 101 characters": "a" * 101,
    "5 10000 characters": "a" * 10_000,
    "6 NUL": "a\0b",
    "7 newline": "a\n",
    "8 tab": "a\tb",
    "9 CR": "a\rb",
    "10 ESC": "a\x1b[31mb",
    "11 dots": "..",
    "12 dot": ".",
    "13 slash": "/",
    "14 backslash": "\\",
    "15 inner slash": "a/b",
    "16 traversal": "../../etc/passwd",
    "17 encoded": "%2e%2e%2f",
    "18 encoded NUL": "%00",
    "19 dash": "-rf",
    "20 at": "@file",
    "21 tilde": "~",
    "22 variable": "$HOME",
    "23 semicolon": ";id",
    "24 backticks": "`id`",
    "25 substitution": "$(id)",
    "26 star": "*",
    "27 quote": "'",
    "28 braces": "{{7*7}}",
    "29 tag": "{% debug %}",
    "31 percent": "%(name)s",
    "32 format": "{0.__class__}",
    "33 script": "<script>",
    "34 scheme": "javascript:alert(1)",
    "35 right to left": "a\u202eb",
    "36 marks": "a" + "\u0301" * 5000,
    "38 Cyrillic": "d\u0435fault",
    "40 emoji": "\U0001f600",
    "42 new": "new",
    "42 null": "NULL",
    "43 proto": "__proto__",
    "44 route": "bulk",
}


def create(api: APIClient, noun: str, name: object) -> Any:
    return api.post(f"{V1}/{noun}", {"name": name, **BODIES[noun]})


@pytest.mark.parametrize("noun", BODIES)
@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_what_is_no_name_is_refused(api: APIClient, noun: str, name: str) -> None:
    assert_error(create(api, noun, name), 400, field="name")
    assert MODELS[noun]._default_manager.count() == 0


@pytest.mark.parametrize("noun", BODIES)
@pytest.mark.parametrize("name", [5, None, True, ["a"], {"a": 1}], ids=["number", "null", "true", "list", "object"])
def test_a_name_that_is_no_text_is_refused(api: APIClient, noun: str, name: object) -> None:
    assert_error(create(api, noun, name), 400, field="name")


@pytest.mark.meets("BD-09")
@pytest.mark.parametrize("noun", BODIES)
def test_a_name_that_is_taken_is_a_conflict(api: APIClient, noun: str) -> None:
    assert create(api, noun, "first").status_code == 201

    assert_error(create(api, noun, "first"), 409, code="taken", field="name")


@pytest.mark.meets("BD-09")
@pytest.mark.parametrize("noun", BODIES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_thing_is_made_listed_shown_renamed_and_removed(api: APIClient, noun: str, slash: str) -> None:
    made = api.post(f"{V1}/{noun}{slash}", {"name": "first.one", **BODIES[noun]})
    assert made.status_code == 201, made.json()

    shown = api.get(f"{V1}/{noun}/first.one{slash}")
    listed = api.get(f"{V1}/{noun}{slash}").json()["results"]
    assert shown.json() == made.json()
    assert [one["name"] for one in listed] == ["first.one"]

    assert api.patch(f"{V1}/{noun}/first.one{slash}", {"name": "second"}).json()["name"] == "second"
    assert_error(api.get(f"{V1}/{noun}/first.one{slash}"), 404)
    assert api.delete(f"{V1}/{noun}/second{slash}").status_code == 204
    assert api.get(f"{V1}/{noun}{slash}").json()["results"] == []


@pytest.mark.parametrize("noun", BODIES)
def test_what_a_thing_says_of_itself_can_be_written_back(api: APIClient, noun: str) -> None:
    """Read-only keys aside: those are refused, not ignored."""
    told = create(api, noun, "first").json()
    read_only = {"counts", "state", "state_since", "state_reason", "has_private_key"}
    writable = {key: value for key, value in told.items() if key not in read_only}

    answer = api.patch(f"{V1}/{noun}/first", writable)

    assert answer.status_code == 200, answer.json()
    assert answer.json() == told


@pytest.mark.parametrize("noun", BODIES)
@pytest.mark.parametrize("key", ["id", "state", "owner", "tilte"])
def test_keys_that_nobody_reads_are_refused(api: APIClient, noun: str, key: str) -> None:
    answer = api.post(f"{V1}/{noun}", {"name": "first", **BODIES[noun], key: 1})

    assert_error(answer, 400, code="unknown_key", field=key)


@pytest.mark.parametrize("noun", BODIES)
def test_a_near_miss_in_an_address_is_helped(api: APIClient, noun: str) -> None:
    create(api, noun, "weekdays")

    told = assert_error(api.get(f"{V1}/{noun}/weekday"), 404)

    assert told["hint"] == 'Did you mean "weekdays"?'


@pytest.mark.parametrize("noun", BODIES)
def test_a_list_of_names_costs_the_same_number_of_queries_however_long(
    api: APIClient, noun: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(15):
        assert create(api, noun, f"n{number}").status_code == 201

    with django_assert_max_num_queries(4):
        assert len(api.get(f"{V1}/{noun}").json()["results"]) == 15


@pytest.mark.parametrize("noun", BODIES)
def test_pages_of_names_are_in_order(api: APIClient, noun: str) -> None:
    for name in ("c", "a", "b"):
        create(api, noun, name)

    first = api.get(f"{V1}/{noun}?page_size=2").json()

    assert [one["name"] for one in first["results"]] == ["a", "b"]
    assert [one["name"] for one in api.get(first["next"]).json()["results"]] == ["c"]


@pytest.mark.parametrize("noun", BODIES)
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_list_cannot_be_changed_as_a_whole(api: APIClient, noun: str, method: str) -> None:
    assert_error(getattr(api, method)(f"{V1}/{noun}"), 405)
