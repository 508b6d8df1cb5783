from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Delivery, Notice, Subscription
from jobs.notices.keeping import address_of
from tests.builders import MONDAY_NOON
from tests.notices.parts import subscribe

URL = "jsons://me:hunter2@example.org/hook"
FORM = {"name": "mine", "url": URL, "events": ["failed"], "only_own": "on"}


@pytest.fixture
def own(alice: User) -> Subscription:
    return subscribe("failed", owner=alice, url=URL)


def test_a_form_subscribes_and_the_page_shows_no_secret(page: Client, alice: User) -> None:
    made = page.post("/subscriptions/", FORM)
    shown = page.get("/subscriptions/").content.decode()

    assert made["Location"] == "/subscriptions/"
    row = Subscription.objects.get()
    assert (row.owner, address_of(row), row.only_own) == (alice, FORM["url"], True)
    assert "jsons://example.org" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({"url": "nosuch://x"}, "leads to no service", id="address"),
        pytest.param({"events": ["late"]}, "When a job is late has to be said.", id="lateness"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(page: Client, given: dict[str, Any], said: str) -> None:
    answer = page.post("/subscriptions/", {**FORM, **given})

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Subscription.objects.exists()


def test_a_subscription_is_switched_off_and_on(page: Client, own: Subscription) -> None:
    page.post(f"/subscriptions/{own.pk}/disable/")
    own.refresh_from_db()
    assert not own.enabled

    page.post(f"/subscriptions/{own.pk}/enable/")
    own.refresh_from_db()
    assert own.enabled


def test_removing_asks_first(page: Client, own: Subscription) -> None:
    asked = page.get(f"/subscriptions/{own.pk}/remove/")
    assert "jsons://example.org" in asked.content.decode()
    assert Subscription.objects.exists()

    page.post(f"/subscriptions/{own.pk}/remove/")

    assert not Subscription.objects.exists()


def test_what_was_given_up_is_shown_and_tried_again(page: Client, own: Subscription) -> None:
    notice = Notice.objects.create(
        subscription=own, kind="failed", thing=7, name="nightly", at=MONDAY_NOON, tries=9, delivery=Delivery.DEAD,
        ended_at=MONDAY_NOON, error="error=<500>",
    )  # fmt: skip

    shown = page.get("/subscriptions/").content.decode()
    assert "Job 7 in queue nightly has failed." in shown
    assert "error=&lt;500&gt;" in shown
    page.post(f"/subscriptions/{own.pk}/resend/")

    notice.refresh_from_db()
    assert notice.delivery == Delivery.WAITING


def test_the_subscriptions_of_others_are_not_there(looker: Client, own: Subscription) -> None:
    assert "jsons://example.org" not in looker.get("/subscriptions/").content.decode()
    for word in ("remove", "disable", "resend"):
        assert looker.post(f"/subscriptions/{own.pk}/{word}/").status_code == 404
