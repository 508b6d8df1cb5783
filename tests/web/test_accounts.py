from __future__ import annotations

import re
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Token, User
from tests.web.parts import read, text

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "seven grey pelicans"


@pytest.fixture
def carol(db: None) -> User:
    """An account without any permission, and with a password."""
    return User.objects.create_user("carol", password=PASSWORD)


@pytest.fixture
def hers(carol: User) -> Client:
    """A browser in which carol is signed in."""
    client = Client()
    client.force_login(carol)
    return client


def sign_in(client: Client, *, password: str = PASSWORD, **told: str) -> Any:
    return client.post("/accounts/login/", {"username": "carol", "password": password, **told})


def made_by(answer: Any) -> str:
    """The token that a page shows."""
    [token] = re.findall(r'<code id="made">([^<]+)</code>', answer.content.decode())
    return str(token)


def test_signing_in_leads_to_where_one_wanted_to_go(carol: User) -> None:
    client = Client()
    asked = client.get("/jobs/?state=failed")

    answer = sign_in(client, next="/jobs/?state=failed")

    assert asked["Location"] == "/accounts/login/?next=/jobs/%3Fstate%3Dfailed"
    assert answer["Location"] == "/jobs/?state=failed"


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(carol: User, elsewhere: str) -> None:
    assert sign_in(Client(), next=elsewhere)["Location"] == "/"


def test_a_wrong_password_is_told_beside_the_form(carol: User) -> None:
    answer = sign_in(Client(), password="wrong")

    assert answer.status_code == 200
    assert "Please enter a correct username and password" in text(answer)


def test_many_wrong_passwords_lock_the_name_for_that_address(carol: User) -> None:
    client = Client()
    for _ in range(5):
        answer = sign_in(client, password="wrong")

    refused = sign_in(client)

    assert answer.status_code == refused.status_code == 429
    assert "Wait 1 min" in text(refused)
    assert 0 < int(refused["Retry-After"]) <= 60


def test_a_program_is_locked_out_in_the_words_of_the_api(carol: User) -> None:
    header = "Basic " + b64encode(b"carol:wrong").decode()

    for _ in range(6):
        answer = APIClient().get("/api/v1/jobs", HTTP_AUTHORIZATION=header)

    assert answer.status_code == 429
    assert answer.json()["code"] == "too_many_failures"


def test_whoever_is_signed_in_is_led_on(hers: Client) -> None:
    assert hers.get("/accounts/login/")["Location"] == "/"


def test_signing_out_ends_the_session(hers: Client) -> None:
    answer = hers.post("/accounts/logout/")

    assert answer["Location"] == "/accounts/login/"
    assert "/accounts/login/" in hers.get("/accounts/tokens/")["Location"]


def test_a_link_cannot_sign_anybody_out(hers: Client) -> None:
    assert hers.get("/accounts/logout/").status_code == 405


@pytest.mark.parametrize("address", ["/accounts/tokens/", "/accounts/password/", "/components/"])
def test_a_visitor_is_asked_to_sign_in(db: None, address: str) -> None:
    assert Client().get(address)["Location"] == f"/accounts/login/?next={address}"


def test_a_form_from_elsewhere_is_refused(carol: User) -> None:
    client = Client(enforce_csrf_checks=True)

    answer = sign_in(client)

    assert answer.status_code == 403
    assert "This form is too old" in text(answer)


def test_a_new_password_keeps_this_browser_and_signs_out_the_others(hers: Client, carol: User) -> None:
    other = Client()
    other.force_login(carol)
    told = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}

    answer = hers.post("/accounts/password/", told, follow=True)

    carol.refresh_from_db()
    assert carol.check_password(NEW_PASSWORD)
    assert "Your password is changed" in text(answer)
    assert other.get("/accounts/tokens/").status_code == 302


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"old_password": "x"}, "Your old password was entered incorrectly", id="old one wrong"),
        pytest.param({"new_password2": "x"}, "The two password fields didn’t match", id="not the same twice"),
        pytest.param({"new_password1": "123", "new_password2": "123"}, "too short", id="short"),
        pytest.param({"new_password1": "", "new_password2": ""}, "This field is required", id="empty"),
    ],
)
def test_a_password_that_cannot_be_is_refused(hers: Client, carol: User, wrong: dict[str, str], message: str) -> None:
    told = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}

    answer = hers.post("/accounts/password/", told | wrong)

    carol.refresh_from_db()
    assert answer.status_code == 400
    assert message in text(answer)
    assert carol.check_password(PASSWORD)


def test_a_new_token_opens_the_api_and_is_shown_once(hers: Client) -> None:
    answer = hers.post("/accounts/tokens/", {"name": "nightly report", "days": "30"})
    token = made_by(answer)

    assert APIClient().get("/api/v1/jobs", HTTP_AUTHORIZATION=f"Token {token}").status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert token not in hers.get("/accounts/tokens/").content.decode()


@pytest.mark.parametrize(
    ("days", "length"),
    [pytest.param("30", timedelta(days=30), id="30 days"), pytest.param("0", None, id="until revoked")],
)
def test_a_token_is_valid_for_as_long_as_was_asked(hers: Client, days: str, length: timedelta | None) -> None:
    hers.post("/accounts/tokens/", {"name": "t", "days": days})

    expiry = Token.objects.get().expiry
    if length is None:
        assert expiry is None
    else:
        assert abs(expiry - timezone.now() - length) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"name": "", "days": "30"}, id="no name"),
        pytest.param({"name": "n" * 101, "days": "30"}, id="long name"),
        pytest.param({"name": "a\u202eb", "days": "30"}, id="name that turns its direction"),
        pytest.param({"name": "t", "days": "31"}, id="days that are not offered"),
        pytest.param({"name": "t", "days": "-1"}, id="a past end"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_token_that_cannot_be_is_not_made(hers: Client, told: dict[str, str]) -> None:
    answer = hers.post("/accounts/tokens/", told)

    assert answer.status_code == 400
    assert not Token.objects.exists()


def test_a_revoked_token_opens_nothing(hers: Client) -> None:
    token = made_by(hers.post("/accounts/tokens/", {"name": "t", "days": "0"}))
    [address] = [link for link in read(hers.get("/accounts/tokens/")).addresses if link.endswith("/revoke/")]

    asked = hers.get(address)
    was_there = Token.objects.exists()
    answer = hers.post(address, follow=True)

    assert was_there
    assert "cannot be brought back" in text(asked)
    assert "is revoked" in text(answer)
    assert APIClient().get("/api/v1/jobs", HTTP_AUTHORIZATION=f"Token {token}").status_code == 401


def test_revoking_twice_says_so(hers: Client) -> None:
    assert "no such token any more" in text(hers.post("/accounts/tokens/bsk_gone/revoke/", follow=True))


def test_nobody_sees_or_revokes_the_tokens_of_others(hers: Client, alice: User) -> None:
    row, _token = Token.objects.create(alice, name="alice's own")  # type: ignore[no-untyped-call]

    shown = hers.get("/accounts/tokens/")
    hers.post(f"/accounts/tokens/{row.token_key}/revoke/")

    assert "alice" not in text(shown)
    assert Token.objects.filter(pk=row.pk).exists()


def test_a_site_without_tokens_says_so(hers: Client, settings: LazySettings) -> None:
    settings.BATCHYARD_AUTH = ["session"]

    assert "This site does not take tokens" in text(hers.get("/accounts/tokens/"))


def test_a_name_cannot_bring_markup_onto_the_page(hers: Client) -> None:
    hers.post("/accounts/tokens/", {"name": "<script>alert(1)</script>", "days": "0"})

    shown = hers.get("/accounts/tokens/").content.decode()

    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown
