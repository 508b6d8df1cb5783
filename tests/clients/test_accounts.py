"""Logging in and out, and what definitions look like from the command line, at a real site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.parts import Yard, one_line_of
from tests.clients.test_faults import Reply, problem, serving
from tests.scenarios.site import SiteUnderTest
from yard.verbs.people import PERMISSIONS

pytestmark = pytest.mark.scenario

PASSWORD = "wonderland-7 ä:"


@pytest.fixture(scope="module")
def account(yard_site: SiteUnderTest) -> str:
    """The name of somebody with PASSWORD."""
    make = f"from accounts.models import User; User.objects.create_superuser('ann', password={PASSWORD!r})"
    yard_site.manage("shell", "-v", "0", "-c", make)
    return "ann"


@pytest.fixture
def ann(tmp_path: Path, yard_site: SiteUnderTest, account: str) -> Yard:
    """Somebody who has logged in."""
    person = Yard(tmp_path)
    url = f"http://127.0.0.1:{yard_site.port}/"
    person.ok("login", url, "-U", account, "--password-stdin", "--name", "test", stdin=f"{PASSWORD}\n".encode())
    return person


def test_a_login_is_kept_for_its_owner_alone_and_counts_from_then_on(ann: Yard) -> None:
    path = ann.config / "tokens.json"

    assert ann.json("whoami")["user"] == "ann"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert PASSWORD not in path.read_text()
    assert [row["name"] for row in ann.json("token", "list")["results"]].count("test") >= 1


def test_a_logout_revokes_the_token(ann: Yard) -> None:
    url = ann.json("whoami")["url"]
    kept = json.loads((ann.config / "tokens.json").read_text())["sites"][url]["token"]
    thief = Yard(ann.home / "elsewhere", url, kept)
    thief.home.mkdir()
    thief.ok("whoami")

    ann.ok("logout")

    assert "not valid" in one_line_of(thief("whoami"), status=4)
    assert "not logged in" in one_line_of(ann("logout", "--url", url), status=1)


def test_a_wrong_password_keeps_nothing(yard: Yard, account: str) -> None:
    yard.token = ""

    told = one_line_of(yard("login", "-U", account, "--password-stdin", stdin=b"wrong\n"), status=4)

    assert "User name or password is wrong." in told
    assert not (yard.config / "tokens.json").exists()


@pytest.mark.parametrize(
    ("stdin", "words", "status", "told"),
    [
        pytest.param(b"", ["-U", "ann"], 2, "Say --password-stdin", id="nobody to ask"),
        pytest.param(b"\n", ["-U", "ann", "--password-stdin"], 1, "is empty", id="empty"),
        pytest.param(None, ["-U", "ann", "--password-stdin"], 1, "Standard input is closed", id="closed"),
        pytest.param(b"x\n", ["--password-stdin"], 2, "Say --username", id="nobody"),
        pytest.param(b"x\n", ["-U", "ann", "--password-stdin", "--expires", "soon"], 2, "length of time", id="end"),
    ],
)
def test_a_login_that_cannot_be_meant_is_told(
    stranger: Yard, stdin: bytes | None, words: list[str], status: int, told: str
) -> None:
    assert told in one_line_of(stranger("login", *words, stdin=stdin), status=status)


def test_a_password_of_the_environment_is_enough(yard: Yard, account: str) -> None:
    yard.token = ""
    yard.variables = {"BATCH_USERNAME": account, "BATCH_PASSWORD": PASSWORD}

    assert yard.json("whoami")["authentication"] == "basic"
    yard.variables = {"BATCH_USERNAME": account}
    assert "Log in: yard login http" in one_line_of(yard("whoami"), status=4)


def test_tokens_are_made_shown_once_and_revoked(ann: Yard) -> None:
    token = ann.ok("token", "add", "nightly report", "--expires", "1 week").strip()
    other = Yard(ann.home, ann.json("whoami")["url"], token)

    assert other.json("whoami")["user"] == "ann"
    key = next(row["key"] for row in ann.json("token", "list")["results"] if row["name"] == "nightly report")
    ann.ok("token", "delete", key)
    assert other("whoami").status == 4
    ann.ok("token", "add", "one more")
    assert "tokens begin with" in one_line_of(ann("token", "delete", "bsk_"), status=1)
    assert "There is no token" in one_line_of(ann("token", "delete", "none"), status=1)


@pytest.mark.meets("BD-54")
def test_queues_and_schedules_are_made_changed_and_removed(yard: Yard) -> None:
    yard.ok(
        "schedule",
        "add",
        "evenings",
        "-p",
        "18:00 22:00",
        "-p",
        "23:00-06:00",
        "-w",
        "monday,friday",
        "-z",
        "Europe/Berlin",
    )
    yard.ok("pool", "add", "two", "localhost", "--title", "Zwei")
    words = ["--schedule", "evenings", "--host", "localhost", "--max-running", "2", "--autostart", "10", "--disable"]
    queue = yard.json("queue", "add", "made", "--title", "Made", *words)

    assert (queue["schedule"], queue["host"], queue["enabled"]) == ("evenings", "localhost", False)
    assert (queue["max_running"], queue["autostart_count"]) == (2, 10)
    assert len(yard.json("schedule", "openings", "evenings", "--count", "3")["results"]) == 3
    assert "18:00-22:00 23:00-06:00 (2 days)" in yard.ok("schedule", "list")
    assert yard.json("queue", "enable", "made")["enabled"] is True
    assert yard.json("queue", "disable", "made")["enabled"] is False
    assert yard.json("queue", "autostart", "made", "no")["autostart_count"] is None
    assert yard.json("queue", "update", "made", "--pool", "two")["host"] is None
    changed = yard.json("queue", "update", "made", "--schedule", "*", "--max-running", "*")
    assert (changed["schedule"], changed["max_running"]) == (None, None)
    assert "schedule" not in yard.ok("queue", "made")
    assert yard.json("schedule", "update", "evenings", "-p", "20:00 21:00", "--title", "Late")["title"] == "Late"
    yard.ok("submit", "true", "--queue", "made", "--hold")
    assert "has" in one_line_of(yard("queue", "delete", "made"), status=1)
    yard.ok("queue", "delete", "made", "--force")
    yard.ok("schedule", "delete", "evenings")
    yard.ok("pool", "delete", "two")
    assert 'There is no queue "made"' in one_line_of(yard("queue", "made"), status=1)


def test_types_and_hosts_are_made_changed_and_removed(yard: Yard) -> None:
    words = ["-p", "who", "-p", "times:Int=2", "--time-limit", "60", "--max-running", "3", "--title", "Greets"]
    kind = yard.json("type", "add", "greet", "--template", "echo $who\necho $times", *words)

    assert [(one["name"], one["type"], one["required"]) for one in kind["params"]] == [
        ("who", "String", True),
        ("times", "Int", False),
    ]
    assert "template:\n  echo $who\n  echo $times\n" in yard.ok("type", "greet")
    assert yard.json("type", "update", "greet", "--template", "echo $who", "-p", "who")["time_limit"] == 60
    yard.ok("type", "delete", "greet")
    ssh = [
        "--transport",
        "ssh",
        "--address",
        "127.0.0.1",
        "--port",
        "1",
        "--user",
        "ann",
        "--seats",
        "3",
        "-v",
        "A=b=c",
    ]
    host = yard.json("host", "add", "made", *ssh, "--disable")
    assert (host["port"], host["seats"], host["variables"], host["enabled"]) == (1, 3, {"A": "b=c"}, False)
    assert "does not answer" in one_line_of(yard("host", "scan", "made"), status=1)
    assert yard.json("host", "enable", "made")["enabled"] is True
    assert yard.json("host", "disable", "made")["enabled"] is False
    assert yard.json("host", "update", "made", "--seats", "5")["seats"] == 5
    assert "made" in yard.ok("host")
    yard.ok("host", "delete", "made")


@pytest.mark.parametrize(
    ("words", "method", "path", "body"),
    [
        pytest.param(
            ["grant", "add", "ann", "CreateJobs", "-q", "nightly", "-t", "render", "-h", "__default__"],
            "POST", "/grants",
            {"user": "ann", "permission": "CreateJobs", "queue": "nightly", "type": "render", "host": "__default__"},
            id="to a user",
        ),
        pytest.param(
            ["grant", "add", "--group", "artists", "ViewJobs"],
            "POST", "/grants", {"group": "artists", "permission": "ViewJobs"}, id="to a group",
        ),
        pytest.param(["grant", "delete", "7"], "DELETE", "/grants/7", None, id="taken away"),
        pytest.param(
            ["user", "add", "bob", "--password-stdin", "--group", "artists"],
            "POST", "/users", {"password": "secret", "groups": ["artists"], "name": "bob"}, id="an account",
        ),
        pytest.param(["user", "update", "bob", "--disable"], "PATCH", "/users/bob", {"enabled": False}, id="disabled"),
    ],
)  # fmt: skip
def test_accounts_and_grants_are_asked_for_in_the_form_of_the_api(
    stranger: Yard, words: list[str], method: str, path: str, body: object
) -> None:
    with serving(Reply(201, body=b'{"id": 7, "name": "bob"}')) as server:
        stranger.ok(*words, "--url", server.url, stdin=b"secret\n")

    [asked] = server.asked
    assert (asked.method, asked.path) == (method, f"/api/v1{path}")
    assert (json.loads(asked.body) if asked.body else None) == body


def test_ones_own_password_is_changed_with_the_present_one(stranger: Yard) -> None:
    who, changed = Reply(body=b'{"user": "bob"}'), Reply(body=b'{"name": "bob"}')
    with serving(who, changed) as server:
        stranger.ok("user", "password", "--password-stdin", "--url", server.url, stdin=b"old\nnew\n")

    assert json.loads(server.asked[1].body) == {"current_password": "old", "password": "new"}


def test_a_site_without_grants_says_so_in_one_line(stranger: Yard) -> None:
    with serving(Reply(404, body=problem(message="There is nothing here."))) as server:
        assert "older than yard" in one_line_of(stranger("grant", "list", "--url", server.url), status=1)


def test_permissions_are_told_once_each() -> None:
    assert len(PERMISSIONS) == len(set(PERMISSIONS)) == 14
