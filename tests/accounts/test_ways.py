"""Whom a request comes from: the ways of BATCHYARD_AUTH, what each believes, and which decides."""

from __future__ import annotations

from typing import Any, Final

import pytest
from django.conf import LazySettings
from django.http import HttpRequest
from django.test import AsyncRequestFactory, Client
from rest_framework.test import APIClient

from accounts import proxied
from accounts.models import AuditEntry, Token, User
from accounts.rates import Rate
from scheduler_site.env import Environment
from tests.accounts.parts import PASSWORD, basic, sign_in
from tests.api.parts import V1, assert_error

SECRET: Final = "0123456789abcdef0123456789abcdef"
PROXY: Final = "192.0.2.1"
BY_PROXY: Final[dict[str, Any]] = {"REMOTE_ADDR": PROXY, "HTTP_X_PROXY_SECRET": SECRET}
PAGE: Final = "/accounts/tokens/"
EVERYWHERE: Final = [PAGE, "/admin/", f"{V1}/whoami"]


@pytest.fixture
def header(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site behind a proxy that says who people are."""
    settings.BATCHYARD_AUTH = ["header", "token", "basic", "session"]
    settings.BATCHYARD_TRUSTED_PROXIES = Environment({"P": f"{PROXY}, unix"}).networks("P")
    settings.BATCHYARD_PROXY_SECRET = SECRET
    monkeypatch.setattr(proxied, "TOLD", Rate(per_minute=1))


@pytest.fixture
def nobody_asked(settings: LazySettings, boss: User) -> None:
    """A site that asks nobody who they are."""
    settings.BATCHYARD_AUTH = ["disabled"]
    settings.BATCHYARD_LOCAL_USER = "boss"


def is_let_in(answer: Any) -> bool:
    return bool(answer.status_code == 200)


# --- header ---


@pytest.mark.parametrize("address", EVERYWHERE)
def test_a_trusted_proxy_says_who_somebody_is(header: None, boss: User, address: str) -> None:
    answer = Client().get(address, HTTP_X_AUTH_USER="boss", **BY_PROXY)

    assert is_let_in(answer)
    assert "boss" in answer.content.decode()


def test_a_unix_socket_may_be_a_trusted_proxy(header: None, boss: User, settings: LazySettings) -> None:
    said = {"HTTP_X_AUTH_USER": "boss", **BY_PROXY, "REMOTE_ADDR": ""}

    assert is_let_in(Client().get(PAGE, **said))
    settings.BATCHYARD_TRUSTED_PROXIES = Environment({"P": PROXY}).networks("P")
    assert not is_let_in(Client().get(PAGE, **said))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"REMOTE_ADDR": "192.0.2.9"}, id="from elsewhere"),
        pytest.param({"HTTP_X_PROXY_SECRET": ""}, id="without the secret"),
        pytest.param({"HTTP_X_PROXY_SECRET": SECRET[:-1]}, id="with a part of the secret"),
        pytest.param({"HTTP_X_PROXY_SECRET": f"{SECRET},{SECRET}"}, id="with the secret twice"),
        pytest.param({"REMOTE_ADDR": "192.0.2.9", "HTTP_X_FORWARDED_FOR": PROXY}, id="by a forged address"),
    ],
)
@pytest.mark.parametrize("address", EVERYWHERE)
def test_what_anybody_else_says_is_ignored_and_told(
    header: None, boss: User, address: str, wrong: dict[str, str]
) -> None:
    answers = [Client().get(address, HTTP_X_AUTH_USER="boss", **BY_PROXY | wrong) for _time in range(3)]

    assert not any(is_let_in(answer) for answer in answers)
    [entry] = AuditEntry.objects.filter(action="ignore header")
    assert (entry.name, entry.actor) == ("boss", "")


@pytest.mark.parametrize(
    "name",
    ["", "  ", "nobody", "gone", "boss,boss", "boss,carol", "BOSS", "x" * 5000, "bo\0ss", "böss"],
    ids=["empty", "blank", "unknown", "disabled", "twice", "two names", "another case", "long", "NUL", "not ASCII"],
)
@pytest.mark.parametrize("address", EVERYWHERE)
def test_a_name_that_is_nobodys_is_refused(header: None, boss: User, carol: User, address: str, name: str) -> None:
    User.objects.create_user("gone", is_active=False)

    answer = Client().get(address, HTTP_X_AUTH_USER=name, **BY_PROXY)

    assert answer.status_code == 401
    assert set(User.objects.values_list("username", flat=True)) == {"boss", "carol", "gone"}


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        pytest.param([("x-auth-user", "boss")], False, id="as it has to be"),
        pytest.param([("X-Auth-User", "boss")], False, id="in capitals"),
        pytest.param([("x_auth_user", "boss")], True, id="with underscores"),
        pytest.param([("x-auth_user", "boss")], True, id="with one underscore"),
        pytest.param([("x-auth-user", "boss"), ("x_auth_user", "carol")], True, id="both"),
        pytest.param([("x-auth-user", "boss"), ("x-auth-user", "boss")], True, id="twice"),
    ],
)
def test_only_one_spelling_counts(header: None, boss: User, headers: list[tuple[str, str]], is_refused: bool) -> None:
    request: HttpRequest = AsyncRequestFactory().get("/")
    request.META |= BY_PROXY
    raw = [(name.encode(), value.encode()) for name, value in headers]
    request.scope["headers"] = raw  # type: ignore[attr-defined]

    if is_refused:
        with pytest.raises(proxied.NotKnown):
            proxied.user_of(request)
    else:
        assert proxied.user_of(request) == boss


def test_a_proxy_that_names_nobody_leaves_it_to_the_other_ways(header: None, carol: User) -> None:
    client = Client(headers={"x-proxy-secret": SECRET})

    assert client.get(PAGE, REMOTE_ADDR=PROXY).status_code == 302
    sign_in(client, REMOTE_ADDR=PROXY)
    assert is_let_in(client.get(PAGE, REMOTE_ADDR=PROXY))


def test_the_proxy_counts_more_than_all_that_comes_with_the_request(header: None, boss: User, carol: User) -> None:
    client = APIClient()
    client.force_login(carol)
    _row, token = Token.objects.create(carol)  # type: ignore[no-untyped-call]

    said: Any
    for said in ({}, {"HTTP_AUTHORIZATION": f"Token {token}"}, {"HTTP_AUTHORIZATION": basic("carol")}):
        told = client.get(f"{V1}/whoami", HTTP_X_AUTH_USER="boss", **BY_PROXY, **said).json()

        assert (told["user"], told["authentication"]) == ("boss", "header")


def test_the_audit_says_that_a_proxy_said_so(header: None, boss: User) -> None:
    APIClient().post(f"{V1}/queues", {"name": "nightly"}, HTTP_X_AUTH_USER="boss", **BY_PROXY)

    entry = AuditEntry.objects.get(kind="jobs.queue")
    assert (entry.actor, entry.mode) == ("boss", "header")


def test_without_the_mode_the_header_counts_for_nothing(boss: User, settings: LazySettings) -> None:
    settings.BATCHYARD_TRUSTED_PROXIES = Environment({"P": PROXY}).networks("P")
    settings.BATCHYARD_PROXY_SECRET = SECRET

    assert Client().get(PAGE, HTTP_X_AUTH_USER="boss", **BY_PROXY).status_code == 302


# --- disabled ---


@pytest.mark.parametrize("address", [*EVERYWHERE, "/jobs/", "/api/docs/"])
def test_where_nobody_is_asked_everybody_here_is_the_local_superuser(nobody_asked: None, address: str) -> None:
    assert is_let_in(Client(headers={"host": "localhost:8000"}).get(address))


@pytest.mark.parametrize("address", ["/", PAGE, "/jobs/", "/admin/", "/admin/jobs/queue/", "/api/docs/", "/nothing"])
def test_every_page_warns_of_it(nobody_asked: None, address: str) -> None:
    answer = Client(headers={"host": "localhost"}).get(address, follow=True)

    assert "may do everything here, as boss" in answer.content.decode()


def test_pages_do_not_warn_where_people_are_asked(boss: User) -> None:
    client = Client()
    client.force_login(boss)

    assert "may do everything here" not in client.get(PAGE).content.decode()


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"REMOTE_ADDR": "192.0.2.1"}, id="from another machine"),
        pytest.param({"HTTP_HOST": "evil.example.org"}, id="a name of others that leads here"),
        pytest.param({"HTTP_HOST": "localhost.evil.example.org:8000"}, id="a name that begins like ours"),
        pytest.param({"HTTP_HOST": ""}, id="no name"),
        pytest.param({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, id="by a proxy"),
        pytest.param({"HTTP_FORWARDED": "for=127.0.0.1"}, id="by a proxy, newer"),
        pytest.param({"HTTP_X_FORWARDED_HOST": "localhost"}, id="by a proxy with a name"),
        pytest.param({"HTTP_X_REAL_IP": "127.0.0.1"}, id="by nginx"),
        pytest.param({"HTTP_X_AUTH_USER": "boss"}, id="by a proxy that says who it is"),
    ],
)
@pytest.mark.parametrize("address", EVERYWHERE)
def test_where_nobody_is_asked_only_this_machine_comes_in(
    nobody_asked: None, address: str, told: dict[str, str]
) -> None:
    asked: dict[str, Any] = {"HTTP_HOST": "localhost", **told}

    assert Client().get(address, **asked).status_code == 403


@pytest.mark.parametrize("name", ["nobody", "carol", "gone"])
def test_the_local_user_has_to_be_a_superuser_that_there_is(
    nobody_asked: None, carol: User, settings: LazySettings, name: str
) -> None:
    User.objects.create_superuser("gone", is_active=False)
    settings.BATCHYARD_LOCAL_USER = name

    answer = APIClient().get(f"{V1}/whoami", HTTP_HOST="localhost")

    assert_error(answer, 401, code="not_authenticated")
    assert f'no superuser "{name}"' in answer.json()["message"]


# --- changes that a page of another site asks for, where a browser needs nothing to be let in ---


@pytest.mark.parametrize(
    ("told", "is_done"),
    [
        pytest.param({}, True, id="a program"),
        pytest.param({"HTTP_ORIGIN": "http://localhost"}, True, id="a page of this site"),
        pytest.param({"HTTP_SEC_FETCH_SITE": "same-origin"}, True, id="a page of this site, without origin"),
        pytest.param({"HTTP_ORIGIN": "http://evil.example.org"}, False, id="another site"),
        pytest.param({"HTTP_ORIGIN": "http://localhost:81"}, False, id="another port"),
        pytest.param({"HTTP_ORIGIN": "http://localhost.evil.example.org"}, False, id="a name that begins like ours"),
        pytest.param({"HTTP_ORIGIN": "null"}, False, id="a sandbox"),
        pytest.param({"HTTP_SEC_FETCH_SITE": "cross-site"}, False, id="another site, without origin"),
        pytest.param({"HTTP_SEC_FETCH_SITE": "same-site"}, False, id="a neighbour"),
    ],
)
@pytest.mark.parametrize("mode", ["header", "disabled"])
def test_no_page_of_another_site_changes_anything(
    request: pytest.FixtureRequest, boss: User, mode: str, told: dict[str, Any], is_done: bool
) -> None:
    request.getfixturevalue("header" if mode == "header" else "nobody_asked")
    by = {"HTTP_X_AUTH_USER": "boss", **BY_PROXY} if mode == "header" else {}

    answer = APIClient().post(f"{V1}/queues", {"name": "nightly"}, HTTP_HOST="localhost", **by, **told)

    assert answer.status_code == (201 if is_done else 403)


def test_pages_ask_for_the_token_of_their_form_as_ever(nobody_asked: None) -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})

    assert client.post(PAGE, {"name": "x", "days": "30"}).status_code == 403


# --- session, token, basic ---


def test_without_sessions_nobody_signs_in(carol: User, settings: LazySettings) -> None:
    settings.BATCHYARD_AUTH = ["token"]
    client = Client()
    client.force_login(carol)

    assert client.get(PAGE).status_code == 302
    assert client.get("/accounts/login/").status_code == 403
    assert sign_in(client).status_code == 403


@pytest.mark.parametrize(
    ("told", "is_taken"),
    [
        pytest.param({}, True, id="loopback"),
        pytest.param({"REMOTE_ADDR": "::1"}, True, id="loopback, IPv6"),
        pytest.param({"REMOTE_ADDR": "192.0.2.7"}, False, id="over a network, in clear"),
        pytest.param({"REMOTE_ADDR": "192.0.2.7", "wsgi.url_scheme": "https"}, True, id="over a network, by TLS"),
    ],
)
def test_a_password_crosses_no_network_in_clear(carol: User, told: dict[str, Any], is_taken: bool) -> None:
    answer = APIClient().get(f"{V1}/whoami", HTTP_AUTHORIZATION=basic("carol"), **told)

    assert is_let_in(answer) is is_taken


def test_unless_the_site_says_that_it_may(carol: User, settings: LazySettings) -> None:
    settings.BATCHYARD_PLAIN_BASIC = True

    assert is_let_in(APIClient().get(f"{V1}/whoami", HTTP_AUTHORIZATION=basic("carol"), REMOTE_ADDR="192.0.2.7"))


@pytest.mark.parametrize("address", [f"{V1}/queues", f"{V1}/whoami", f"{V1}/jobs/changes"])
@pytest.mark.parametrize("name", ["token", "access_token", "name"])
def test_a_token_in_the_address_is_refused_whoever_asks(carol: User, address: str, name: str) -> None:
    _row, token = Token.objects.create(carol)  # type: ignore[no-untyped-call]

    answer = APIClient().get(f"{address}?{name}={token}", HTTP_AUTHORIZATION=f"Token {token}")

    assert_error(answer, 401)
    assert "Revoke it" in answer.json()["message"]


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_no_header_makes_another_method(boss: User, override: str) -> None:
    client = APIClient()
    client.force_login(boss)
    client.post(f"{V1}/queues", {"name": "nightly"})

    client.get(f"{V1}/queues/nightly", headers={override: "DELETE"})
    answer = client.post(f"{V1}/queues/nightly?_method=DELETE", {"_method": "DELETE"}, headers={override: "DELETE"})

    assert answer.status_code == 405
    assert is_let_in(client.get(f"{V1}/queues/nightly"))


@pytest.mark.parametrize("origin", ["null", "https://evil.example.org", "http://testserver.evil.example.org"])
def test_no_other_site_is_told_anything(boss: User, origin: str) -> None:
    client = APIClient()
    client.force_login(boss)

    answers = [client.get(f"{V1}/whoami", HTTP_ORIGIN=origin), client.options(f"{V1}/whoami", HTTP_ORIGIN=origin)]

    assert not [name for answer in answers for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https:evil.example.org",
        "///evil.example.org",
        "\\\\evil.example.org",
        "/\\evil.example.org",
        " //evil",
    ],
)
@pytest.mark.parametrize("page", ["/accounts/login/", "/accounts/logout/"])
def test_nothing_leads_to_another_site(carol: User, page: str, elsewhere: str) -> None:
    client = Client()
    answer = client.post(page, {"username": "carol", "password": PASSWORD, "next": elsewhere})

    assert answer["Location"] in ("/", "/accounts/login/")


@pytest.mark.parametrize("elsewhere", ["//evil.example.org", "https://evil.example.org/"])
def test_the_administration_leads_nobody_to_another_site(boss: User, elsewhere: str) -> None:
    client = Client()
    asked = client.get("/admin/login/", {"next": elsewhere})

    answer = client.post(asked["Location"], {"username": "boss", "password": PASSWORD})

    assert answer["Location"] == "/"
