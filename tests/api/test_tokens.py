from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Token, User
from tests.api.conftest import client_of
from tests.api.parts import V1, assert_error

ADDRESS = f"{V1}/tokens"
TOLD = ("key", "name", "only_reads", "created_at", "expires_at", "last_used_at")


def test_everybody_may_ask_who_they_are(poor: APIClient) -> None:
    assert poor.get(f"{V1}/whoami").json() == {"user": "bob", "superuser": False, "authentication": "token"}


def test_a_token_that_was_made_opens_the_site_until_it_is_revoked(poor: APIClient) -> None:
    made = poor.post(ADDRESS, {"name": "yard on build1"}).json()
    fresh = APIClient()
    fresh.credentials(HTTP_AUTHORIZATION=f"Token {made['token']}")

    assert fresh.get(f"{V1}/whoami").json()["user"] == "bob"
    assert poor.delete(f"{ADDRESS}/{made['key']}").status_code == 204
    assert fresh.get(f"{V1}/whoami").status_code == 401


def test_the_list_tells_no_token_that_opens_anything(poor: APIClient) -> None:
    made = poor.post(ADDRESS, {"name": "yard"}).json()

    rows = poor.get(ADDRESS).json()["results"]

    assert rows[0] == {name: made[name] for name in TOLD}
    assert made["token"] not in str(rows)


def test_a_token_ends_when_it_was_asked_to(poor: APIClient) -> None:
    ends = timezone.now() + timedelta(days=9)

    made = poor.post(ADDRESS, {"name": "yard", "expires_at": ends.isoformat()}).json()

    expiry = Token.objects.get(token_key=made["key"]).expiry
    assert expiry is not None
    assert abs(expiry - ends) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "name", id="without a name"),
        pytest.param({"name": ""}, "name", id="empty name"),
        pytest.param({"name": "a\nb"}, "name", id="two lines"),
        pytest.param({"name": "a", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at", id="over already"),
        pytest.param({"name": "a", "expires_at": "9999-12-31T23:59:59Z"}, "expires_at", id="too far"),
        pytest.param({"name": "a", "user": "alice"}, "user", id="for somebody else"),
    ],
)
def test_an_impossible_token_is_refused(poor: APIClient, bob: User, body: dict[str, str], field: str) -> None:
    before = Token.objects.count()

    assert_error(poor.post(ADDRESS, body), 400, field=field)

    assert Token.objects.count() == before


def test_nobody_sees_or_revokes_the_tokens_of_others(poor: APIClient, alice: User) -> None:
    made = client_of(alice).post(ADDRESS, {"name": "hers"}).json()

    assert made["key"] not in str(poor.get(ADDRESS).json())
    assert_error(poor.delete(f"{ADDRESS}/{made['key']}"), 404)
    assert Token.objects.filter(token_key=made["key"]).exists()
