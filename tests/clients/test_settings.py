"""What yard goes by, and the files that it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.parts import Yard, one_line_of
from yard.failures import Usage
from yard.settings import Settings, address

SITE = "https://yard.example.org"


def keep_token(yard: Yard, *, url: str = SITE, mode: int = 0o600) -> Path:
    yard.config.mkdir(parents=True)
    path = yard.config / "tokens.json"
    login = {"user": "ann", "token": "secret-token", "key": "secret", "expires_at": None}
    path.write_text(json.dumps({"current": url, "sites": {url: login}}))
    path.chmod(mode)
    return path


def configure(yard: Yard, text: str, *, mode: int = 0o644) -> Path:
    yard.config.mkdir(parents=True, exist_ok=True)
    path = yard.config / "client.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.meets("BD-54")
def test_an_option_wins_over_a_variable_over_the_file_over_the_login_over_the_default(stranger: Yard) -> None:
    def queue_and_url(*options: str) -> tuple[str, str]:
        shown = stranger.json("config", "show", *options)
        return shown["url"]["value"], shown["queue"]["value"]

    assert queue_and_url() == ("http://127.0.0.1:8000", "default")
    keep_token(stranger)
    assert queue_and_url() == (SITE, "default")
    configure(stranger, "manager_url: http://file\nqueue: of-file\n")
    assert queue_and_url() == ("http://file", "of-file")
    stranger.variables = {"BATCH_MANAGER_URL": "http://old/batchd", "BATCH_QUEUE": "old"}
    assert queue_and_url() == ("http://old", "old")
    stranger.variables |= {"YARD_URL": "http://new", "YARD_QUEUE": "new"}
    assert queue_and_url() == ("http://new", "new")
    assert queue_and_url("--url", "http://option") == ("http://option", "new")


def test_a_site_has_settings_of_its_own(stranger: Yard) -> None:
    configure(stranger, f"queue: mine\nsites:\n  {SITE}/:\n    queue: theirs\n    type: render\n")

    assert stranger.json("config", "show")["queue"]["value"] == "mine"
    there = stranger.json("config", "show", "--url", SITE)
    assert (there["queue"]["value"], there["type"]["value"]) == ("theirs", "render")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("quene: a\n", 'unknown key "quene". Did you mean "queue"?', id="near miss"),
        pytest.param("queue: [a]\n", '"queue" is not a text', id="a list"),
        pytest.param("- a\n", "not a mapping", id="no mapping"),
        pytest.param("a: b: c\n", "is not YAML", id="no YAML"),
        pytest.param("a: !!python/object/apply:os.system [id]\n", "is not YAML", id="code"),
        pytest.param("sites: 5\n", '"sites" is not a mapping', id="sites"),
        pytest.param("sites: {'http://a': {sites: {}}}\n", 'unknown key "sites"', id="sites in sites"),
        pytest.param("\x00", "is not YAML", id="NUL"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(stranger: Yard, text: str, message: str) -> None:
    configure(stranger, text)

    assert message in one_line_of(stranger("config", "show"), status=1)


def test_a_file_that_is_named_must_be_there(stranger: Yard) -> None:
    assert "/no/such" in one_line_of(stranger("ls", "--config", "/no/such"), status=1)


def test_a_token_file_that_others_can_read_is_refused(stranger: Yard) -> None:
    keep_token(stranger, mode=0o644)

    told = one_line_of(stranger("ls"), status=1)

    assert "mode 0644" in told
    assert "chmod 600" in told
    assert "secret" not in told


def test_a_password_in_a_file_that_others_can_read_is_refused(stranger: Yard) -> None:
    configure(stranger, "username: ann\npassword: wonderland\n", mode=0o640)

    told = one_line_of(stranger("ls"), status=1)

    assert "a password" in told
    assert "wonderland" not in told


@pytest.mark.parametrize("content", ["{", "[]", '{"sites": 5}', ""])
def test_a_damaged_token_file_is_told(stranger: Yard, content: str) -> None:
    keep_token(stranger).write_text(content)

    assert "is damaged" in one_line_of(stranger("ls"), status=1)


def test_secrets_are_not_shown(stranger: Yard) -> None:
    keep_token(stranger)
    stranger.variables = {"YARD_PASSWORD": "wonderland"}

    shown = stranger.ok("config", "show") + stranger.ok("config", "show", "--json")

    assert "secret-token" not in shown
    assert "wonderland" not in shown


def test_without_a_home_yard_still_works_but_keeps_no_token(tmp_path: Path) -> None:
    Settings({}, {})
    nobody = Yard(tmp_path, variables={"HOME": ""})

    assert nobody.json("config", "path") == {"config": None, "tokens": None}
    told = one_line_of(nobody("login", "http://127.0.0.1:1", "-U", "ann", "--password-stdin", stdin=b"x\n"), status=1)
    assert "Set HOME" in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://h:8000/", "http://h:8000"), ("https://H/api/v1/", "https://h"), ("http://h/batchd", "http://h"),
        ("http://h/site/api", "http://h/site"), ("http://[::1]:80", "http://[::1]:80"),
    ],
)  # fmt: skip
def test_a_url_is_taken_to_be_the_root_of_the_site(text: str, expected: str) -> None:
    assert address(text, origin="option") == expected


@pytest.mark.parametrize(
    "text", ["", "h:8000", "ftp://h", "http://", "http://h:99999", "http://ann:pw@h", "http://[::1", "file:///etc"]
)
def test_what_is_no_url_of_a_site_is_refused(text: str) -> None:
    with pytest.raises(Usage) as found:
        address(text, origin="option")

    assert "pw" not in str(found.value)
