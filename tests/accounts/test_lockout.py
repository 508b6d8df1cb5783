"""Who guesses passwords waits; nobody can make others wait for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from rest_framework.test import APIClient

from accounts.lockout import ADDRESS_LIMIT, COOKIE, PAIR_LIMIT, pause_after
from accounts.models import AuditEntry, User
from accounts.rates import Rate
from accounts.web import views
from scheduler_site.env import Environment
from tests.accounts.parts import PASSWORD, basic, sign_in
from tests.builders import MONDAY_NOON

PAGE = "/accounts/login/"
WHOAMI = "/api/v1/whoami"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is shifted."""
    with time_machine.travel(MONDAY_NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with a whole minute's worth of attempts, and more than it needs."""
    monkeypatch.setattr(views, "LOGINS", Rate(per_minute=10_000))


def fail(*, times: int = 1, name: str = "carol", client: Client | None = None, **told: Any) -> Any:
    for _time in range(times):
        answer = sign_in(client or Client(), name, password="wrong", **told)
    return answer


def is_in(answer: Any) -> bool:
    return bool(answer.status_code == 302)


def by_basic(name: str = "carol", password: str = PASSWORD, **told: Any) -> Any:
    return APIClient().get(WHOAMI, HTTP_AUTHORIZATION=basic(name, password), **told)


def lock_address() -> None:
    """As many failures of other names from this address as it may have; the last one happens."""
    AccessAttempt.objects.create(
        username="eve", ip_address="127.0.0.1", user_agent="", failures_since_start=ADDRESS_LIMIT - 1
    )
    fail(name="mallory")


# --- how long ---


def test_five_failures_lock_the_name_for_that_address(carol: User, clock: time_machine.Traveller) -> None:
    assert fail(times=PAIR_LIMIT - 1).status_code == 200
    assert is_in(sign_in(Client()))
    assert fail(times=PAIR_LIMIT).status_code == 429

    refused = sign_in(Client())

    assert refused.status_code == 429
    assert refused["Retry-After"] == "60"


def test_each_further_failure_doubles_the_pause_up_to_an_hour(carol: User, clock: time_machine.Traveller) -> None:
    fail(times=PAIR_LIMIT - 1)

    pauses = []
    for _time in range(7):
        answer = fail()
        pauses.append(int(answer["Retry-After"]) // 60)
        clock.shift(timedelta(seconds=int(answer["Retry-After"]) - 1))
        assert sign_in(Client()).status_code == 429
        clock.shift(1)

    assert pauses == [1, 2, 4, 8, 16, 32, 60]
    assert is_in(sign_in(Client()))


def test_trying_while_locked_neither_helps_nor_prolongs(carol: User, clock: time_machine.Traveller) -> None:
    fail(times=PAIR_LIMIT)
    clock.shift(59)

    assert fail(times=3)["Retry-After"] == "1"
    assert sign_in(Client(), password="x" * 5000)["Retry-After"] == "1"
    clock.shift(1)

    assert is_in(sign_in(Client()))


def test_a_lock_is_never_for_ever(carol: User, clock: time_machine.Traveller) -> None:
    for _hour in range(3):
        fail(times=PAIR_LIMIT + 2)
        clock.shift(timedelta(hours=1, seconds=1))

        assert is_in(sign_in(Client()))


@pytest.mark.parametrize("failures", [5, 6, 11, 12, 1000, 10**9])
def test_no_pause_is_longer_than_an_hour(failures: int) -> None:
    assert timedelta(minutes=1) <= pause_after(failures) <= timedelta(hours=1)


def test_a_right_password_begins_the_count_anew(carol: User) -> None:
    fail(times=PAIR_LIMIT - 1)
    sign_in(Client())

    assert fail(times=PAIR_LIMIT - 1).status_code == 200


# --- one count for every door ---


@pytest.mark.parametrize("doors", ["page, then Basic", "Basic, then page", "administration"])
def test_every_door_counts_together(boss: User, doors: str) -> None:
    if doors == "Basic, then page":
        for _time in range(PAIR_LIMIT):
            by_basic("boss", "wrong")
    elif doors == "administration":
        for _time in range(PAIR_LIMIT):
            Client().post("/admin/login/", {"username": "boss", "password": "wrong"}, follow=True)
            sign_in(Client(), "boss", password="wrong")
    else:
        fail(times=PAIR_LIMIT, name="boss")

    assert sign_in(Client(), "boss").status_code == 429
    assert by_basic("boss").status_code == 429
    assert by_basic("boss").json()["code"] == "too_many_failures"
    assert int(by_basic("boss")["Retry-After"]) > 0


@pytest.mark.parametrize(
    "spellings",
    [
        pytest.param(["carol", "CAROL", "Carol", "cArol", "carOL"], id="case"),
        pytest.param(["carol", " carol", "carol ", "\tcarol", "carol\n"], id="blanks"),
        pytest.param(["carol", "ｃarol", "cⓐrol", "ⅽarol", "carol"], id="letters that look alike"),
    ],
)
def test_one_name_is_one_name_however_it_is_written(carol: User, spellings: list[str]) -> None:
    for spelling in spellings:
        by_basic(spelling, "wrong")

    assert by_basic().status_code == 429


def test_the_networks_of_ipv6_count_as_one_address(carol: User) -> None:
    for number in range(PAIR_LIMIT):
        fail(REMOTE_ADDR=f"2001:db8:0:1::{number:x}")

    assert sign_in(Client(), REMOTE_ADDR="2001:db8:0:1:ffff::1").status_code == 429
    assert is_in(sign_in(Client(), REMOTE_ADDR="2001:db8:0:2::1"))


def test_an_ipv4_address_within_ipv6_is_the_same(carol: User) -> None:
    fail(times=PAIR_LIMIT, REMOTE_ADDR="::ffff:192.0.2.7")

    assert sign_in(Client(), REMOTE_ADDR="192.0.2.7").status_code == 429


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP"])
def test_a_forged_address_does_not_help(carol: User, header: str) -> None:
    for number in range(PAIR_LIMIT):
        forged: dict[str, Any] = {header: f"192.0.2.{number}"}
        fail(**forged)

    assert sign_in(Client(), **forged).status_code == 429


def test_behind_a_trusted_proxy_the_client_counts_and_what_it_adds_does_not(
    carol: User, settings: LazySettings
) -> None:
    settings.BATCHYARD_TRUSTED_PROXIES = Environment({"P": "10.0.0.1"}).networks("P")
    for number in range(PAIR_LIMIT):
        fail(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}, 192.0.2.7")

    assert sign_in(Client(), REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.7").status_code == 429
    assert is_in(sign_in(Client(), REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.8"))


def test_another_browser_does_not_help(carol: User) -> None:
    for number in range(PAIR_LIMIT):
        fail(HTTP_USER_AGENT=f"Browser {number}")

    assert sign_in(Client(), HTTP_USER_AGENT="Browser 99").status_code == 429
    assert AccessAttempt.objects.count() == 1


# --- an address ---


def test_fifty_failures_lock_an_address_for_every_name(carol: User, boss: User, clock: time_machine.Traveller) -> None:
    lock_address()

    assert sign_in(Client(), "boss").status_code == 429
    assert is_in(sign_in(Client(), "boss", REMOTE_ADDR="192.0.2.7"))
    clock.shift(timedelta(hours=1, seconds=1))
    assert is_in(sign_in(Client(), "boss"))


# --- locking out others ---


def test_a_guesser_locks_nobody_out_from_elsewhere(carol: User) -> None:
    fail(times=PAIR_LIMIT, REMOTE_ADDR="192.0.2.66")

    assert is_in(sign_in(Client(), REMOTE_ADDR="192.0.2.7"))


def test_a_guesser_locks_no_browser_out_in_which_one_has_signed_in_before(carol: User) -> None:
    own = Client()
    sign_in(own)
    own.post("/accounts/logout/")

    fail(times=PAIR_LIMIT)
    lock_address()

    assert sign_in(Client()).status_code == 429
    assert is_in(sign_in(own))


def test_a_known_browser_is_no_way_to_guess(carol: User, boss: User) -> None:
    own = Client()
    sign_in(own)
    own.post("/accounts/logout/")

    assert fail(times=PAIR_LIMIT, client=own).status_code == 429
    assert fail(times=PAIR_LIMIT, client=own, name="boss").status_code == 429
    assert sign_in(Client(), "boss").status_code == 429


@pytest.mark.parametrize("forged", ["1:carol", "1:carol:x:y", "", "x" * 5000])
def test_a_browser_cannot_say_by_itself_that_it_is_known(carol: User, forged: str) -> None:
    client = Client()
    client.cookies[COOKIE] = forged
    fail(times=PAIR_LIMIT, client=client)

    assert sign_in(Client()).status_code == 429


def test_the_cookie_of_a_known_browser_is_for_this_site_alone(carol: User) -> None:
    client = Client()
    sign_in(client)

    cookie = client.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


# --- nothing is told ---


@pytest.mark.parametrize("name", ["nobody", "gone", "keyless"])
def test_unknown_names_are_told_the_same_as_wrong_passwords(carol: User, name: str) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    User.objects.create_user("keyless")

    wrong, unknown = fail(), sign_in(Client(), name)

    assert unknown.status_code == wrong.status_code
    assert unknown.context["form"].non_field_errors() == wrong.context["form"].non_field_errors()
    assert by_basic(name).json() == by_basic("carol", "wrong").json()


@pytest.mark.parametrize("name", ["nobody", "gone", "keyless", "carol"])
def test_every_name_costs_one_hash(carol: User, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal work is equal time, whatever else the machine does."""
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    User.objects.create_user("keyless")
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def told(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", told)

    by_basic(name, "wrong")

    assert len(hashed) == 1


def test_unknown_names_are_locked_like_known_ones(carol: User) -> None:
    assert fail(times=PAIR_LIMIT, name="nobody").status_code == 429


@pytest.mark.parametrize("size", [4097, 1_000_000])
def test_a_huge_password_is_not_hashed(carol: User, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def hashed(*_told: object) -> None:
        raise AssertionError("a password that no one has was hashed")

    monkeypatch.setattr(MD5PasswordHasher, "encode", hashed)

    assert sign_in(Client(), password="x" * size).status_code == 200
    assert by_basic("carol", "x" * min(size, 5000)).status_code == 401
    assert AccessAttempt.objects.get().failures_since_start == 2


# --- rates, audit ---


def test_attempts_to_sign_in_are_limited_by_address(carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "LOGINS", Rate(per_minute=2))

    answers = [sign_in(Client(), name="nobody", REMOTE_ADDR=f"2001:db8::{number}") for number in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 30
    assert is_in(sign_in(Client(), REMOTE_ADDR="192.0.2.7"))


def test_a_lockout_is_told_once_and_guesses_after_it_are_not(carol: User) -> None:
    fail(times=PAIR_LIMIT + 3)

    actions = list(AuditEntry.objects.filter(name="carol").order_by("id").values_list("action", flat=True))
    assert sorted(actions) == ["fail to log in"] * PAIR_LIMIT + ["lock out"]
