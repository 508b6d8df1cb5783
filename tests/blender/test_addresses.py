"""Which site and token count, and what is said without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchyard_blender.addresses import address_of
from batchyard_blender.failures import Failure

SITE = "https://batchyard.example.org"
LOGINS = {"current": SITE, "sites": {SITE: {"user": "ann", "token": "of-yard"}}}


@pytest.fixture
def logins(tmp_path: Path) -> Path:
    """What `yard login` has left."""
    path = tmp_path / ".config" / "batchyard" / "tokens.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(LOGINS))
    path.chmod(0o600)
    return path


def found(home: Path, url: str = "", token: str = "") -> tuple[str, str]:
    address = address_of(url, token, environ={"HOME": str(home)})
    return address.url, address.token


@pytest.mark.parametrize(
    ("url", "token", "expected"),
    [
        pytest.param("", "", (SITE, "of-yard"), id="the last login"),
        pytest.param(f"{SITE}/", "", (SITE, "of-yard"), id="yard's token for the site that is told"),
        pytest.param(SITE, "own", (SITE, "own"), id="told"),
        pytest.param("HTTP://other:8000/by/api/v1/", " own ", ("http://other:8000/by", "own"), id="another site"),
    ],
)
def test_what_is_not_told_comes_from_yard(
    tmp_path: Path, logins: Path, url: str, token: str, expected: tuple[str, str]
) -> None:
    assert found(tmp_path, url, token) == expected


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        pytest.param("", "t", "No site is known. Enter its URL in Edit > Preferences > Add-ons", id="no site"),
        pytest.param(SITE, "", f"no token for {SITE}. Make one at {SITE}/accounts/tokens/", id="no token"),
        pytest.param("ftp://x", "t", '"ftp://x" is not the URL of a site', id="another protocol"),
        pytest.param("file:///etc/passwd", "t", "is not the URL of a site", id="a file"),
        pytest.param("https://a:b@x", "t", "is not the URL of a site", id="a password"),
        pytest.param("http://x:99999", "t", "is not the URL of a site", id="no port"),
        pytest.param(SITE, "a\nb", "The token is not one line", id="two lines"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, url: str, token: str, told: str) -> None:
    with pytest.raises(Failure) as refused:
        found(tmp_path, url, token)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        pytest.param(json.dumps(LOGINS), 0o644, "Others can read", id="open to others"),
        pytest.param("{", 0o600, "is damaged", id="no JSON"),
        pytest.param("[]", 0o600, "is damaged", id="no object"),
        pytest.param('{"sites": {"x": 1}}', 0o600, "is damaged", id="no login"),
    ],
)
def test_logins_that_cannot_be_used_are_named(tmp_path: Path, logins: Path, text: str, mode: int, told: str) -> None:
    logins.write_text(text)
    logins.chmod(mode)

    with pytest.raises(Failure, match=told):
        found(tmp_path)


def test_a_token_is_not_in_what_python_shows() -> None:
    assert "secret" not in repr(address_of(SITE, "secret", environ={}))
