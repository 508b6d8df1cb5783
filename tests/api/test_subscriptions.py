from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from hosts.models import Host
from jobs.models import Delivery, Notice, Subscription
from jobs.notices.keeping import address_of
from tests.api.parts import V1, assert_error
from tests.builders import MONDAY_NOON, make_host, make_queue

URL = "jsons://me:hunter2@example.org/hook/abcdef"
ALL = {"name": "mine", "url": URL, "events": ["failed", "late"], "late_after": 600}


def subscribe(api: APIClient, **given: Any) -> dict[str, Any]:
    answer = api.post(f"{V1}/subscriptions", {**ALL, **given})
    assert answer.status_code == 201, answer.json()
    told: dict[str, Any] = answer.json()
    return told


def test_a_subscription_is_made_shown_changed_and_removed(api: APIClient, site: None) -> None:
    made = subscribe(api, queue="nightly", only_own=False)
    address = f"{V1}/subscriptions/{made['id']}"

    assert made["to"] == "jsons://example.org"
    assert (made["events"], made["late_after"], made["queue"]) == (["failed", "late"], 600, "nightly")
    assert (made["enabled"], made["only_own"], made["type"], made["host"]) == (True, False, None, None)
    assert api.get(address).json() == made
    assert api.get(f"{V1}/subscriptions").json()["results"] == [made]

    changed = api.patch(address, {"enabled": False, "events": ["host_down"], "queue": None}).json()
    assert (changed["enabled"], changed["events"], changed["queue"]) == (False, ["host_down"], None)
    assert changed["late_after"] is None
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_an_address_is_kept_and_never_told(api: APIClient, site: None) -> None:
    made = subscribe(api)
    changed = api.patch(f"{V1}/subscriptions/{made['id']}", {"name": "other"})

    assert address_of(Subscription.objects.get()) == URL
    assert "hunter2" not in str(made) + changed.content.decode()
    entries = AuditEntry.objects.filter(kind="jobs.subscription")
    assert [entry.action for entry in entries.order_by("id")] == ["add", "change"]
    assert "hunter2" not in str([(entry.before, entry.after) for entry in entries])


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        pytest.param({"url": "nosuch://me:hunter2@h"}, "bad_url", "url", id="unknown service"),
        pytest.param({"url": "syslog://"}, "bad_url", "url", id="this machine"),
        pytest.param({"events": []}, "empty", "events", id="about nothing"),
        pytest.param({"events": ["often"]}, "unknown_word", "events[0]", id="unknown event"),
        pytest.param({"late_after": None}, "required", "late_after", id="late, but when"),
        pytest.param({"events": ["failed"]}, "not_late", "late_after", id="not about lateness"),
        pytest.param({"queue": "nightli"}, "unknown_queue", "queue", id="unknown queue"),
        pytest.param({"name": "a\nb"}, "bad_name", "name", id="two lines"),
        pytest.param({"color": "red"}, "unknown_key", "color", id="unknown key"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: APIClient, site: None, given: dict[str, Any], code: str, field: str
) -> None:
    answer = api.post(f"{V1}/subscriptions", {**ALL, **given})

    assert_error(answer, 400, code=code, field=field)
    assert "hunter2" not in answer.content.decode()
    assert not Subscription.objects.exists()


def test_the_subscriptions_of_others_are_not_there(api: APIClient, poor: APIClient, bob: User, site: None) -> None:
    made = subscribe(api)
    address = f"{V1}/subscriptions/{made['id']}"

    assert poor.get(f"{V1}/subscriptions").json()["results"] == []
    for answer in (poor.get(address), poor.patch(address, {}), poor.delete(address), poor.get(f"{address}/notices"),
                   poor.post(f"{address}/resend")):  # fmt: skip
        assert answer.status_code == 404


def test_what_one_may_not_see_cannot_be_named(poor: APIClient, site: None) -> None:
    answer = poor.post(f"{V1}/subscriptions", {**ALL, "queue": "nightly"})

    assert_error(answer, 400, code="unknown_queue", field="queue")


def test_notices_tell_what_was_given_up_and_are_tried_again(api: APIClient, site: None) -> None:
    made = subscribe(api)
    row = Subscription.objects.get()
    Notice.objects.create(
        subscription=row, kind="failed", thing=7, name="nightly", at=MONDAY_NOON, tries=9, delivery=Delivery.DEAD,
        ended_at=MONDAY_NOON, error="error=500",
    )  # fmt: skip
    address = f"{V1}/subscriptions/{made['id']}"

    [told] = api.get(f"{address}/notices").json()["results"]

    assert (told["event"], told["delivery"], told["tries"]) == ("failed", "dead", 9)
    assert told["text"] == "Job 7 in queue nightly has failed."
    assert told["error"] == "error=500"
    assert api.post(f"{address}/resend").json() == {"resent": 1}
    assert Notice.objects.get().delivery == Delivery.WAITING


@pytest.mark.parametrize("name", ["queue", "host"])
def test_what_is_named_takes_its_subscriptions_along(api: APIClient, site: None, name: str) -> None:
    make_host("far")
    make_queue("gone")
    subscribe(api, queue="gone", host="far")

    assert api.delete(f"{V1}/{name}s/{'gone' if name == 'queue' else 'far'}").status_code == 204

    assert not Subscription.objects.exists()
    assert Host.objects.filter(name="far").exists() == (name == "queue")
