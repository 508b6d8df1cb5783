from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import AuditEntry, Token, User
from jobs.models import Job, Queue
from scheduler_site.env import Environment
from tests.builders import grant, make_host, make_user
from tests.compat.batchd.asking import NEW_JOB, PASSWORD, Asker, basic

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.meets("BD-01")
@pytest.mark.parametrize(
    ("modes", "told"),
    [(["session", "token", "basic"], ["basic"]), (["token"], []), (["basic", "header"], ["basic", "header"]),
     (["disabled"], [])],
)  # fmt: skip
def test_everybody_is_told_how_to_say_who_they_are(
    ask: Asker, settings: LazySettings, modes: list[str], told: list[str]
) -> None:
    settings.BATCHYARD_AUTH = modes
    User.objects.create_superuser(settings.BATCHYARD_LOCAL_USER)

    for path in ("", "/"):
        answer = ask.client.options(f"/batchd{path}", headers={"host": "localhost"})
        assert (answer.status_code, answer.json()) == (200, told)


@pytest.mark.meets("BD-05")
def test_whoever_says_nothing_is_asked_for_a_password(ask: Asker) -> None:
    for path in ("/batchd/", "/batchd/queue", "/batchd/nothing"):
        answer = ask.client.get(path)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Basic realm="batchd"'


@pytest.mark.meets("BD-05", "BD-63")
@pytest.mark.parametrize(
    ("languages", "begin"),
    [("ru, en;q=0.5", "Не найдено."), ("en-GB, ru;q=0.1", "There is no queue"), ("de", "There is no queue")],
)
def test_errors_are_text_in_the_clients_language(ask: Asker, languages: str, begin: str) -> None:
    text = ask.refused("GET", "queue/fre", status=404, **{"Accept-Language": languages})

    assert text.startswith(begin)
    assert 'Did you mean "free"?' in text


@pytest.mark.meets("BD-03", "BD-05")
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"name": "a", "name": "b"}', b"name=x"])
def test_what_is_no_json_object_is_refused(ask: Asker, body: bytes) -> None:
    ask.refused("POST", "queue", body, status=400)
    ask.refused("POST", "queue", body, status=400, **{"Content-Type": "application/x-www-form-urlencoded"})


@pytest.mark.meets("BD-05")
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "queue", {"name": "free"}, 400),
        ("POST", "queue", {"name": "q", "title": 5}, 400),
        ("POST", "queue", {"name": "q", "schedule_name": "night"}, 400),
        ("POST", "schedule", {"name": "nights"}, 400),
        ("POST", "schedule", {"name": "s", "weekdays": ["Mondy"]}, 400),
        ("POST", "schedule", {"name": "s", "time": [{"begin": "25:00", "end": "x"}]}, 400),
        ("POST", "user", {"name": "root", "password": "a long enough phrase"}, 400),
        ("POST", "user", {"name": "dave"}, 400),
        ("PUT", "user/dave", {"name": "dave", "password": "a long enough phrase"}, 404),
        ("PUT", "user/root", {"password": "a long enough phrase"}, 400),
        ("POST", "user/dave/permissions", {"permission": "ViewJobs"}, 404),
        ("POST", "user/root/permissions", {"permission": "ViewJob"}, 400),
        ("POST", "user/root/permissions", {"permission": "ViewJobs", "queue_name": "fre"}, 400),
        ("DELETE", "user/root/permissions/99", None, 404),
        ("DELETE", "schedule/day", None, 404),
        ("DELETE", "schedule/nights", None, 403),
        ("DELETE", "queue/fre", None, 404),
        ("DELETE", "queue/free", None, 403),
        ("DELETE", "queue/free?forced=yes", None, 400),
        ("DELETE", "queue/free?status=gone", None, 400),
        ("DELETE", "queue/free/5", None, 404),
        ("GET", "queue/free/jobs?status=Done", None, 400),
        ("GET", "queue/fre/jobs", None, 404),
        ("GET", "jobs?status=old", None, 400),
        ("GET", "job/99999", None, 404),
        ("GET", "job/9999999999999999999", None, 404),
        ("GET", "job/99999/results", None, 404),
        ("GET", "type/rendr", None, 404),
        ("GET", "nothing", None, 404),
        ("PATCH", "queue/free", None, 405),
        ("POST", "queue/fre", NEW_JOB, 404),
        ("POST", "queue/free", {"params": {}}, 400),
        ("POST", "queue/free", {"type": "rendr"}, 400),
        ("POST", "queue/free", {"type": "render"}, 400),
        ("POST", "queue/free", {"type": "render", "params": {"scene": "a", "frame": "x"}}, 400),
        ("POST", "queue/free", {"type": "render", "params": {"scene": "a", "other": "x"}}, 400),
        ("POST", "queue/free", {**NEW_JOB, "host_name": "far"}, 400),
        ("POST", "queue/free", {**NEW_JOB, "start_time": "tomorrow"}, 400),
        ("POST", "queue/free", {**NEW_JOB, "start_time": "9999-01-01T00:00:00.0Z"}, 400),
        ("POST", "queue/free", {**NEW_JOB, "notes": "\0"}, 400),
    ],
)
def test_errors_of_people_are_told_to_them(ask: Asker, method: str, path: str, body: Any, status: int) -> None:
    before = Job.objects.count(), Queue.objects.count(), User.objects.count()

    assert ask.refused(method, path, body, status=status)

    assert (Job.objects.count(), Queue.objects.count(), User.objects.count()) == before


@pytest.mark.meets("BD-08", "BD-53")
def test_a_token_opens_the_same_addresses_and_a_header_alone_does_not(ask: Asker, root: User) -> None:
    _row, token = Token.objects.create(root)  # type: ignore[no-untyped-call]

    assert ask.answer("GET", "queue", Authorization=f"Token {token}").status_code == 200
    assert ask.client.get("/batchd/queue", headers={"X-Auth-User": "root"}).status_code == 401


@pytest.mark.meets("BD-08", "BD-53")
def test_the_name_that_a_trusted_proxy_says_opens_them_where_that_is_switched_on(
    ask: Asker, settings: LazySettings
) -> None:
    settings.BATCHYARD_AUTH = ["basic", "header"]
    settings.BATCHYARD_TRUSTED_PROXIES = Environment({"P": "192.0.2.1"}).networks("P")
    settings.BATCHYARD_PROXY_SECRET = SECRET
    said = {"HTTP_X_AUTH_USER": "root", "HTTP_X_PROXY_SECRET": SECRET}

    def statuses(**told: str) -> list[int]:
        answers = [ask.client.get("/batchd/queue", **said, **told), ask.client.get("/batchd/host/", **said, **told)]  # type: ignore[arg-type]
        return [answer.status_code for answer in answers]

    assert statuses(REMOTE_ADDR="192.0.2.1") == [200, 200]
    assert statuses(REMOTE_ADDR="192.0.2.9") == [401, 401]
    said["HTTP_X_PROXY_SECRET"] = "another"
    assert statuses(REMOTE_ADDR="192.0.2.1") == [401, 401]
    assert ask("GET", "queue")


@pytest.mark.meets("BD-53")
def test_nobody_is_asked_where_that_is_switched_on_and_only_by_a_name_of_this_machine(
    ask: Asker, settings: LazySettings
) -> None:
    settings.BATCHYARD_AUTH = ["disabled"]
    settings.BATCHYARD_LOCAL_USER = "root"

    def told(name: str) -> int:
        return ask.client.get("/batchd/queue", headers={"host": name}).status_code

    assert (told("localhost"), told("127.0.0.1")) == (200, 200)
    settings.ALLOWED_HOSTS = ["localhost"]
    assert told("evil.example.org") in (400, 403)


@pytest.mark.meets("BD-08")
def test_a_session_opens_nothing_as_pages_of_others_could_use_it(ask: Asker, root: User) -> None:
    ask.client.force_login(root)

    assert ask.client.get("/batchd/queue").status_code == 401


def test_a_password_is_changed_by_a_password_and_not_by_a_token(ask: Asker) -> None:
    eve = make_user("eve")
    _row, token = Token.objects.create(eve)  # type: ignore[no-untyped-call]
    told = {"name": "eve", "password": "another long phrase"}

    Asker("eve").refused("PUT", "user/eve", told, status=403, Authorization=f"Token {token}")
    Asker("eve").refused("PUT", "user/root", {**told, "name": "root"}, status=403)
    assert Asker("eve")("PUT", "user/eve", told) == "done"

    assert Asker("eve").answer("GET", "queue", Authorization=basic("eve", PASSWORD)).status_code == 401


def test_pages_of_other_sites_may_ask_only_if_that_is_configured(ask: Asker, settings: LazySettings) -> None:
    friend, stranger = {"Origin": "https://friend.example"}, {"Origin": "https://stranger.example"}
    settings.BATCHYARD_BATCHD_ORIGINS = ["https://friend.example"]

    assert ask.answer("POST", "queue/free", NEW_JOB, **friend)["Access-Control-Allow-Origin"] == friend["Origin"]
    ask.refused("POST", "queue/free", NEW_JOB, status=403, **stranger)
    ask.refused("POST", "queue/free", NEW_JOB, status=403, Origin="null")
    assert ask.answer("POST", "queue/free", NEW_JOB, Origin="http://testserver").status_code == 200
    asked = {"Access-Control-Request-Method": "PUT"}
    before = ask.client.options("/batchd/queue/free", headers={**friend, **asked})
    assert (before.status_code, before["Access-Control-Allow-Credentials"]) == (200, "true")
    assert "PUT" in before["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Origin" not in ask.client.options("/batchd/queue", headers={**stranger, **asked})


@pytest.mark.meets("BD-49", "BD-50")
def test_what_one_may_submit_where_is_what_is_then_taken(ask: Asker, furnished: Job) -> None:
    make_host("far")
    free, render = Queue.objects.get(name="free"), furnished.type
    grant(make_user("eve"), "CreateJobs", queue=free, type=render, is_default_host=True)
    grant(make_user("eve"), "CreateJobs", queue=free, host=make_host("far"))
    eve = Asker("eve")

    assert [kind["name"] for kind in eve("GET", "queue/free/type")] == ["render"]
    assert eve("GET", "queue/free/host") == ["__default__", "far"]
    assert eve("GET", "queue/free/type/render/host") == ["__default__", "far"]
    assert isinstance(eve("POST", "queue/free", NEW_JOB), int)
    assert isinstance(eve("POST", "queue/free", {**NEW_JOB, "host_name": "far"}), int)
    eve.refused("POST", "queue/free", {**NEW_JOB, "host_name": "localhost"}, status=403)
    eve.refused("POST", "queue/nightly", NEW_JOB, status=403)
    eve.refused("GET", "queue/nightly/type", status=403)
    assert eve("GET", "queue") == []


@pytest.mark.meets("BD-48")
def test_who_may_nothing_learns_no_names(ask: Asker, furnished: Job) -> None:
    make_user("eve")
    eve = Asker("eve")

    for name in ("free", "gone"):
        for path in (
            f"queue/{name}",
            f"queue/{name}/jobs",
            f"queue/{name}/type",
            f"queue/{name}/host",
            f"stats/{name}",
        ):
            eve.refused("GET", path, status=403)
        eve.refused("POST", f"queue/{name}", NEW_JOB, status=403)
        eve.refused("PUT", f"queue/{name}", {}, status=403)
        eve.refused("DELETE", f"queue/{name}", status=403)
    for job in (furnished.pk, 99999):
        for path in (f"job/{job}", f"job/{job}/results", f"job/{job}/results/last"):
            eve.refused("GET", path, status=403)
        eve.refused("PUT", f"job/{job}", {"notes": "x"}, status=403)
        eve.refused("DELETE", f"job/{job}", status=403)
    for user in ("root", "gone"):
        eve.refused("GET", f"user/{user}/permissions", status=403)
    assert eve("GET", "queue") == []


@pytest.mark.meets("BD-52")
def test_permissions_are_told_as_pairs_and_taken_away_by_number(ask: Asker) -> None:
    ask("POST", "user", {"name": "carol", "password": "a long enough phrase"})
    told = {"permission": "CreateJobs", "queue_name": "free", "type_name": "render", "host_name": "__default__"}

    number = ask("POST", "user/carol/permissions", told)

    assert ask("GET", "user/carol/permissions") == [[number, {"user_name": "carol", **told}]]
    assert User.objects.get(username="carol").check_password("a long enough phrase")
    ask.refused("DELETE", f"user/root/permissions/{number}", status=404)
    assert ask("DELETE", f"user/carol/permissions/{number}") == "done"
    assert ask("GET", "user/carol/permissions") == []


def test_changes_stand_in_the_audit_with_who_made_them(ask: Asker) -> None:
    ask("PUT", "queue/free", {"enabled": False})

    entry = AuditEntry.objects.filter(kind="jobs.queue").latest("id")
    assert (entry.actor, entry.mode, entry.action, entry.name) == ("root", "basic", "change", "free")
