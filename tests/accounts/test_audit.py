from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import trail
from accounts.audit import MASK, masked, record
from accounts.models import AuditEntry, Grant, Token, User
from hosts.models import Host
from jobs.models import Job, Queue
from jobs.problems import Refused
from jobs.queueing import control
from jobs.queueing.submit import Request, submit_many
from tests.accounts.parts import PASSWORD
from tests.admin.pages import fields_of, url
from tests.api.parts import V1, assert_error
from tests.builders import grant, make_host, make_job, make_queue, make_type, make_user
from tests.conftest import AUDIT


def entries(**wanted: Any) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(**wanted).order_by("id"))


@pytest.fixture
def api(boss: User) -> APIClient:
    client = APIClient()
    _row, token = Token.objects.create(boss)  # type: ignore[no-untyped-call]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.fixture
def page(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def test_a_change_tells_who_from_where_what_it_was_and_what_it_is(api: APIClient) -> None:
    api.post(f"{V1}/queues", {"name": "nightly", "title": "old"})

    answer = api.patch(f"{V1}/queues/nightly", {"title": "new"}, REMOTE_ADDR="192.0.2.7")

    (entry,) = entries(action="change")
    assert (entry.actor, entry.mode, entry.peer) == ("boss", "token", "192.0.2.7")
    assert entry.request_id == answer["X-Request-Id"]
    assert (entry.kind, entry.name) == ("jobs.queue", "nightly")
    assert (entry.before, entry.after) == ({"title": "old"}, {"title": "new"})


@pytest.mark.parametrize(
    ("noun", "body", "change"),
    [
        pytest.param("queues", {}, {"title": "x"}, id="queue"),
        pytest.param("job-types", {"template": "true"}, {"title": "x"}, id="job type"),
        pytest.param("schedules", {}, {"weekdays": ["Monday"]}, id="schedule"),
        pytest.param("hosts", {"transport": "local"}, {"seats": 3}, id="host"),
        pytest.param("pools", {}, {"title": "x"}, id="pool"),
        pytest.param("users", {}, {"enabled": False}, id="user"),
        pytest.param("groups", {}, {"users": ["boss"]}, id="group"),
    ],
)
def test_each_definition_by_the_api_has_one_entry_for_each_change(
    api: APIClient, noun: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    assert api.post(f"{V1}/{noun}", {"name": "new1", **body}).status_code == 201
    assert api.patch(f"{V1}/{noun}/new1", change).status_code == 200
    assert api.patch(f"{V1}/{noun}/new1", {}).status_code == 200
    assert api.delete(f"{V1}/{noun}/new1").status_code == 204

    assert [entry.action for entry in entries(name="new1")] == ["add", "change", "remove"]


def test_the_same_by_the_admin_pages(page: Client) -> None:
    page.post(url(Queue, "add"), {"name": "nightly", "enabled": "on", "weight": "1"})
    queue = Queue.objects.get(name="nightly")
    change = url(Queue, "change", queue.pk)
    page.post(change, fields_of(page, change) | {"title": "new"})
    page.post(change, fields_of(page, change))
    page.post(url(Queue, "delete", queue.pk), {"post": "yes"})

    told = entries(name="nightly")
    assert [entry.action for entry in told] == ["add", "change", "remove"]
    assert {entry.mode for entry in told} == {"session"}
    assert told[1].after == {"title": "new"}


def test_a_command_is_told_with_its_job_and_a_refused_one_is_not(boss: User) -> None:
    job = make_job()

    control.hold(job, actor="boss", at=timezone.now())
    control.cancel(job, actor="boss", at=timezone.now())
    with pytest.raises(Refused):
        control.cancel(job, actor="boss", at=timezone.now())

    assert [entry.action for entry in entries(kind="jobs.job", name=str(job.pk))] == ["submit", "hold", "cancel"]


def test_what_is_undone_is_not_told(boss: User) -> None:
    with transaction.atomic():
        make_job(owner=boss)
        transaction.set_rollback(True)

    assert Job.objects.count() == 0
    assert entries(action="submit") == []


def test_many_jobs_submitted_at_once_are_one_entry(boss: User) -> None:
    make_host()
    make_queue()
    make_type()
    wanted = [Request(queue="anytime", type="command", params={"command": "true"})] * 3000

    jobs = submit_many(wanted, owner=boss, at=timezone.now())

    (entry,) = entries(action="submit")
    assert entry.after == {"jobs": 3000, "first": jobs[0].pk, "last": jobs[-1].pk, "queues": ["anytime"]}


def test_logging_in_and_failing_to_is_told(boss: User) -> None:
    client = Client()

    client.post("/accounts/login/", {"username": "boss", "password": "wrong"}, REMOTE_ADDR="192.0.2.9")
    client.post("/accounts/login/", {"username": "boss", "password": PASSWORD})
    client.post("/accounts/logout/")

    told = entries(kind="accounts.user")
    assert [entry.action for entry in told] == ["fail to log in", "log in", "log out"]
    assert [entry.name for entry in told] == ["boss"] * 3
    assert told[0].peer == "192.0.2.9"
    assert "wrong" not in str([(entry.before, entry.after) for entry in told])


def test_a_lockout_is_told(boss: User) -> None:
    for _ in range(6):
        Client().post("/accounts/login/", {"username": "boss", "password": "wrong"})

    assert "lock out" in {entry.action for entry in entries(name="boss")}


def test_tokens_are_told_without_what_opens(page: Client, boss: User) -> None:
    made = page.post("/accounts/tokens/", {"name": "report", "days": "30"})
    key = Token.objects.get().token_key
    page.post(f"/accounts/tokens/{key}/revoke/")
    call_command("create_token", "boss")

    told = entries(kind="accounts.token")
    assert [entry.action for entry in told] == ["make token", "remove", "make token"]
    assert made.context["made"] not in str([(entry.before, entry.after, entry.name) for entry in told])


def test_a_change_of_grants_is_told(api: APIClient, page: Client) -> None:
    make_user("alice")
    answer = api.post(f"{V1}/grants", {"user": "alice", "permission": "ViewJobs"})
    api.delete(f"{V1}/grants/{answer.json()['id']}")

    told = entries(kind="accounts.grant")
    assert [entry.action for entry in told] == ["add", "remove"]
    assert told[0].name == "alice: ViewJobs"


def test_the_grants_that_go_with_a_queue_are_told(api: APIClient) -> None:
    grant(make_user("alice"), "ViewQueues", queue=make_queue("nightly"))

    api.delete(f"{V1}/queues/nightly")

    (entry,) = entries(action="remove", name="nightly")
    assert (entry.before or {})["grants"] == ["alice: ViewQueues (queue nightly)"]
    assert Grant.objects.count() == 0


def test_a_new_host_key_is_told(api: APIClient) -> None:
    Host.objects.create(name="build1", address="build1.example", user="batch", host_keys="")
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

    assert api.patch(f"{V1}/hosts/build1", {"host_keys": [key]}).status_code == 200

    (entry,) = entries(kind="hosts.host", action="change")
    assert entry.after == {"host_keys": key}


def test_passwords_and_secret_variables_are_masked(api: APIClient) -> None:
    api.post(f"{V1}/users", {"name": "carol", "password": "a-long-enough-pw-1"})
    api.post(f"{V1}/hosts", {"name": "b1", "transport": "local", "variables": {"db_password": "hunter22", "x": "1"}})

    (user,), (host,) = entries(name="carol"), entries(name="b1")
    assert (user.after or {})["password"] == MASK
    assert (host.after or {})["variables"] == {"db_password": MASK, "x": "1"}


def test_very_long_texts_are_cut() -> None:
    told = masked({"template": "x" * 20_000})["template"]

    assert len(told) < 10_100
    assert told.endswith("(20000 characters)")


def test_texts_that_no_database_takes_are_told_without_what_it_refuses(db: None) -> None:
    record("change", name="a\0\ud800", after={"x": "b\0\ud800"})

    (entry,) = entries(action="change")
    assert (entry.name, entry.after) == ("a??", {"x": "b??"})


@pytest.mark.parametrize("statement", ["UPDATE accounts_auditentry SET actor = 'x'", "DELETE FROM accounts_auditentry"])
def test_the_database_refuses_to_change_what_was_written(db: None, statement: str) -> None:
    record("change", name="first")
    with connection.cursor() as cursor:
        for line in AUDIT.GUARDS[connection.vendor]:
            cursor.execute(line)

        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            cursor.execute(statement)

        for line in AUDIT.NO_GUARDS[connection.vendor]:
            cursor.execute(line)
    assert [entry.name for entry in entries()] == ["first"]


def test_the_list_is_narrowed_and_paged(api: APIClient) -> None:
    for number in range(3):
        record("change", kind="jobs.queue", name=f"queue{number}", actor="alice")
    record("remove", kind="jobs.queue", name="queue1", actor="bob")

    def names(words: str) -> list[str]:
        return [entry["name"] for entry in api.get(f"{V1}/audit?{words}").json()["results"]]

    # A request's own user counts for more than the actor that a stage was told.
    assert names("kind=jobs.queue&action=change") == ["queue2", "queue1", "queue0"]
    assert names("actor=bob&kind=jobs.queue") == ["queue1"]
    assert names("name=queue1&action=change&page_size=1") == ["queue1"]
    assert names("since=2999-01-01T00:00:00Z") == []
    assert_error(api.get(f"{V1}/audit?colour=red"), 400, code="unknown_parameter")
    assert_error(api.get(f"{V1}/audit?since=monday"), 400, code="bad_time", field="since")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "|x", "%x"])
def test_no_cell_of_the_csv_is_a_formula(db: None, text: str) -> None:
    record("change", name=text, after={"x": text})

    lines = b"".join(trail.csv_lines(AuditEntry.objects.all())).decode()

    heads, row = list(csv.reader(io.StringIO(lines, newline="")))
    assert heads == list(trail.COLUMNS)
    assert row[heads.index("name")] == f"'{text}"
    assert not any(cell.startswith(trail.FORMULA) for cell in row)


def test_the_export_has_every_entry_once(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "BATCH", 2)
    for number in range(5):
        record("change", name=f"n{number}")

    answer: Any = api.get(f"{V1}/audit/export?action=change")

    told = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert [entry["name"] for entry in told] == ["n0", "n1", "n2", "n3", "n4"]
    assert answer["Content-Type"] == "application/jsonl"
    assert_error(api.get(f"{V1}/audit/export?as=xml"), 400)


def test_the_page_shows_entries_and_goes_on_to_older_ones(page: Client) -> None:
    for number in range(60):
        record("change", kind="jobs.queue", name=f"queue{number}", before={"a": "<b>"}, after={"a": "2"})

    newest = page.get("/audit/?kind=jobs.queue")
    older = page.get("/audit/" + newest.context["older"])

    assert "queue59" in newest.content.decode()
    assert "queue9<" not in newest.content.decode().replace(" ", "").replace("\n", "")
    assert len(older.context["entries"]) == 10
    assert "<b>" not in older.content.decode()
    assert page.get("/audit/?since=never").status_code == 400


def test_an_entry_says_when(db: None) -> None:
    record("change", name="x")

    (entry,) = entries()
    assert timezone.now() - entry.at < timedelta(minutes=1)


@pytest.mark.meets("BD-56")
def test_accounts_made_on_the_command_line_are_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    call_command("createsuperuser", "--noinput", username="root", email="root@example.org", verbosity=0)

    (entry,) = entries(kind="accounts.user", action="add")
    assert (entry.name, (entry.after or {})["password"]) == ("root", MASK)


@pytest.mark.meets("BD-56")
def test_a_password_is_changed_on_the_command_line_and_that_is_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    carol = User.objects.create_user("carol", password=PASSWORD)
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "another long phrase")

    call_command("changepassword", "carol", stdout=io.StringIO())

    carol.refresh_from_db()
    assert carol.check_password("another long phrase")
    (entry,) = entries(action="change password")
    assert (entry.kind, entry.name) == ("accounts.user", "carol")
    assert "another" not in str(entry.after)


@pytest.mark.meets("BD-56")
def test_migrate_has_nothing_left_to_do_after_it_was_run(db: None) -> None:
    out = io.StringIO()

    call_command("migrate", "--check", stdout=out)
    call_command("migrate", verbosity=1, stdout=out)

    assert "No migrations to apply." in out.getvalue()
