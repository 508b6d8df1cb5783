"""Where people are signed in: how long it lasts, what ends it, and what others cannot take over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.db import OperationalError
from django.db.models import QuerySet
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEntry, Session, Token, User
from accounts.people import define_user
from accounts.rates import KEYS_LIMIT, Rate
from jobs.api.broadcast import Proof, Viewer, look
from scheduler_site.api import defaults
from tests.accounts.parts import PASSWORD, sign_in
from tests.api.parts import V1, assert_error
from tests.builders import MONDAY_NOON, make_job

PAGE = "/accounts/sessions/"
NEW_PASSWORD = "seven grey pelicans"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MONDAY_NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def hers(carol: User) -> Client:
    """A browser in which carol has signed in."""
    client = Client(headers={"user-agent": "Browser <one>"})
    sign_in(client)
    return client


def is_in(client: Client) -> bool:
    return bool(client.get(PAGE).status_code == 200)


def key_of(client: Client) -> str:
    return client.cookies["sessionid"].value


# --- how long ---


def test_a_session_ends_when_it_is_not_used(
    clock: time_machine.Traveller, hers: Client, settings: LazySettings
) -> None:
    settings.BATCHYARD_SESSION_IDLE = timedelta(hours=2)
    for _time in range(5):
        clock.shift(timedelta(minutes=119))
        is_in(hers)

    clock.shift(timedelta(minutes=119))
    assert is_in(hers)
    clock.shift(timedelta(minutes=121))
    assert not is_in(hers)


def test_a_session_ends_however_much_it_is_used(clock: time_machine.Traveller, hers: Client) -> None:
    for _half_day in range(2 * 14 - 1):
        clock.shift(timedelta(hours=12))
        assert is_in(hers)

    clock.shift(timedelta(hours=12))
    assert not is_in(hers)


def test_signing_in_anew_begins_anew(clock: time_machine.Traveller, hers: Client) -> None:
    clock.shift(timedelta(hours=20))
    hers.post("/accounts/logout/")
    sign_in(hers)
    clock.shift(timedelta(hours=20))

    assert is_in(hers)
    assert Session.objects.get(user__username="carol").began_at == MONDAY_NOON + timedelta(hours=20)


def test_use_is_written_down_once_a_minute(clock: time_machine.Traveller, hers: Client) -> None:
    seen = []
    for _time in range(4):
        clock.shift(timedelta(seconds=25))
        is_in(hers)
        seen.append(Session.objects.get().seen_at - MONDAY_NOON)

    assert seen == [timedelta(0), timedelta(0), timedelta(seconds=75), timedelta(seconds=75)]


def test_a_database_that_takes_no_writes_lets_people_read(
    clock: time_machine.Traveller, hers: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.shift(timedelta(minutes=5))

    def refused(*_told: object, **_columns: object) -> int:
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(QuerySet, "update", refused)

    assert is_in(hers)


def test_sessions_that_are_over_are_forgotten_when_somebody_signs_in(
    clock: time_machine.Traveller, hers: Client, carol: User
) -> None:
    clock.shift(timedelta(days=30))

    sign_in(Client())

    assert Session.objects.filter(user=carol).count() == 1


# --- taking over ---


def test_signing_in_changes_the_key(carol: User) -> None:
    client = Client()
    given = client.session
    given["x"] = "1"
    given.save()
    client.cookies["sessionid"] = before = str(given.session_key)

    sign_in(client)

    assert key_of(client) != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_key_that_the_site_did_not_give_opens_nothing_and_is_not_taken(carol: User) -> None:
    client = Client()
    client.cookies["sessionid"] = planted = "planted" * 5

    sign_in(client)

    assert key_of(client) != planted


def test_the_cookie_is_for_this_site_and_not_for_scripts(hers: Client) -> None:
    cookie = hers.cookies["sessionid"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_no_page_tells_the_key(hers: Client) -> None:
    assert key_of(hers) not in hers.get(PAGE).content.decode()


# --- seeing and ending ---


def test_the_page_tells_every_browser_and_which_is_this_one(hers: Client) -> None:
    sign_in(Client(headers={"user-agent": "Browser two"}), REMOTE_ADDR="192.0.2.7")

    answer = hers.get(PAGE)
    told = answer.content.decode()

    assert [row.browser for row in answer.context["sessions"]] == ["Browser <one>", "Browser two"]
    assert "Browser &lt;one&gt;" in told
    assert "192.0.2.7" in told
    assert told.count("this browser") == 1


def test_a_browser_is_signed_out_from_another(hers: Client) -> None:
    other = Client()
    sign_in(other)
    label = Session.objects.get(session_key=key_of(other)).label

    hers.post(f"{PAGE}{label}/end/")
    again = hers.post(f"{PAGE}{label}/end/", follow=True)

    assert is_in(hers)
    assert not is_in(other)
    assert "not signed in there any more" in again.content.decode()
    [entry] = AuditEntry.objects.filter(action="end session")
    assert (entry.actor, entry.name, entry.before) == ("carol", "carol", {"session": label})


def test_all_others_are_signed_out_at_once(hers: Client) -> None:
    others = [Client() for _number in range(3)]
    for other in others:
        sign_in(other)

    answer = hers.post(f"{PAGE}others/end/", follow=True)

    assert "3 browsers are signed out" in answer.content.decode()
    assert is_in(hers)
    assert not any(is_in(other) for other in others)


def test_nobody_sees_or_ends_the_sessions_of_others(hers: Client, boss: User) -> None:
    other = Client()
    sign_in(other, "boss")
    label = Session.objects.get(user=boss).label

    told = hers.get(PAGE).content.decode()
    hers.post(f"{PAGE}{label}/end/")
    hers.post(f"{PAGE}others/end/")

    assert label not in told
    assert is_in(other)


def test_a_link_ends_nothing(hers: Client) -> None:
    assert hers.get(f"{PAGE}others/end/").status_code == 405


@pytest.mark.parametrize("by", ["page", "API", "administration", "superuser's API", "code"])
def test_a_new_password_ends_every_session_however_it_was_set(hers: Client, carol: User, boss: User, by: str) -> None:
    admin = APIClient()
    admin.force_login(boss)
    if by == "page":
        told = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        own = Client()
        own.force_login(carol)
        own.post("/accounts/password/", told)
        assert is_in(own)
    elif by == "API":
        own_api = APIClient()
        own_api.force_authenticate(carol)
        own_api.patch(f"{V1}/users/carol", {"password": NEW_PASSWORD, "current_password": PASSWORD})
    elif by == "administration":
        address = f"/admin/accounts/user/{carol.pk}/password/"
        User.objects.filter(pk=boss.pk).update(is_staff=True)
        fields = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
        admin.post(address, fields, format="multipart")
    elif by == "superuser's API":
        admin.patch(f"{V1}/users/carol", {"password": NEW_PASSWORD})
    else:
        carol.set_password(NEW_PASSWORD)
        carol.save(update_fields=["password"])

    assert User.objects.get(pk=carol.pk).check_password(NEW_PASSWORD)
    assert not is_in(hers)
    assert not Session.objects.filter(session_key=key_of(hers)).exists()


def test_a_disabled_account_is_out_at_once(hers: Client, carol: User) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)

    assert not is_in(hers)


# --- open streams ---


@pytest.mark.parametrize("what", ["nothing", "signed out", "ended elsewhere", "over", "password", "disabled", "token"])
def test_a_stream_ends_with_what_opened_it(hers: Client, carol: User, what: str) -> None:
    job = make_job()
    User.objects.filter(pk=carol.pk).update(is_superuser=True)
    row, _text = Token.objects.create(carol)  # type: ignore[no-untyped-call]
    proof = Proof(carol.pk, row.digest if what == "token" else "", "" if what == "token" else key_of(hers))
    admitted = _admitted(job.pk, proof)

    if what == "signed out":
        hers.post("/accounts/logout/")
    elif what == "ended elsewhere":
        Session.objects.all().delete()
    elif what == "over":
        Session.objects.update(expire_date=MONDAY_NOON - timedelta(days=9999))
    elif what == "password":
        define_user({"password": NEW_PASSWORD}, user=carol)
    elif what == "disabled":
        User.objects.filter(pk=carol.pk).update(is_active=False)
    elif what == "token":
        row.delete()

    assert admitted
    assert _admitted(job.pk, proof) is (what == "nothing")


def _admitted(job: int, proof: Proof) -> bool:
    told: list[Any] = []
    viewer = Viewer.__new__(Viewer)
    viewer.job, viewer.proof = job, proof
    viewer.tell = told.append  # type: ignore[method-assign, assignment]
    look([viewer], is_check=True)
    return bool(told[0].is_admitted)


# --- tokens ---


def test_the_use_of_a_token_is_told_once_a_minute(clock: time_machine.Traveller, carol: User) -> None:
    _row, text = Token.objects.create(carol)  # type: ignore[no-untyped-call]
    api = APIClient(headers={"authorization": f"Token {text}"})
    used = []
    for _time in range(4):
        api.get(f"{V1}/whoami")
        used.append(Token.objects.get().last_used_at)
        clock.shift(timedelta(seconds=25))

    assert used == [MONDAY_NOON] * 3 + [MONDAY_NOON + timedelta(seconds=75)]
    assert api.get(f"{V1}/tokens").json()["results"][0]["last_used_at"] is not None
    assert text not in str(AuditEntry.objects.values_list("name", "before", "after"))


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_token_that_only_reads_changes_nothing(boss: User, method: str) -> None:
    _row, text = Token.objects.create(boss, is_read_only=True)  # type: ignore[no-untyped-call]
    api = APIClient(headers={"authorization": f"Token {text}"})

    assert api.get(f"{V1}/queues").status_code == 200
    assert api.head(f"{V1}/queues").status_code == 200
    assert_error(getattr(api, method)(f"{V1}/queues", {"name": "nightly"}), 403)
    assert_error(getattr(api, method)(f"{V1}/tokens", {"name": "x"}), 403)
    assert Token.objects.count() == 1


# --- rates ---


def test_each_token_has_its_share_of_the_api(carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defaults, "REQUESTS", Rate(per_minute=2))
    apis = []
    for _number in range(2):
        _row, text = Token.objects.create(carol)  # type: ignore[no-untyped-call]
        apis.append(APIClient(headers={"authorization": f"Token {text}"}))

    answers = [apis[0].get(f"{V1}/whoami") for _time in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_error(answers[2], 429, code="too_many_requests")
    assert 0 < int(answers[2]["Retry-After"]) <= 30
    assert apis[1].get(f"{V1}/whoami").status_code == 200


def test_what_was_not_used_is_kept_for_a_minute_and_no_longer() -> None:
    rate = Rate(per_minute=60)

    assert [rate.take("a", at=0) for _time in range(61)] == [0.0] * 60 + [1.0]
    assert rate.take("a", at=0.5) == 0.5
    assert rate.take("a", at=1) == 0
    assert [rate.take("a", at=1000) for _time in range(61)][-1] == 1.0
    assert rate.take("b", at=1000) == 0


def test_however_many_ask_what_is_remembered_is_bounded() -> None:
    rate = Rate(per_minute=1)
    for number in range(KEYS_LIMIT + 100):
        rate.take(str(number), at=0)

    assert len(rate._left) == KEYS_LIMIT
    assert rate.take(str(KEYS_LIMIT + 50), at=0) > 0


def test_passwords_are_checked_when_they_are_set(carol: User) -> None:
    for password in ("short", "password", "8" * 20, "carol1234", "x" * 5000):
        assert_error(_patched(carol, password), 400)


def _patched(user: User, password: str) -> Any:
    api = APIClient()
    api.force_authenticate(user)
    return api.patch(f"{V1}/users/{user}", {"password": password, "current_password": PASSWORD})
