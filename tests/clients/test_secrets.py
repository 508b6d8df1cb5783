"""Secrets are asked for, never taken from the command line, and never shown."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.clients.parts import Yard
from tests.scenarios.site import SiteUnderTest

pytestmark = pytest.mark.scenario
SECRET = "correct-horse-5f1c2b7d"


@pytest.fixture
def login(yard_site: SiteUnderTest) -> str:
    """A type of job that asks for a secret."""
    if yard_site.call("GET", "job-types/login").status == 404:
        params = [{"name": "password", "type": "Secret"}]
        yard_site.post("job-types", {"name": "login", "template": "sha256sum <$password", "params": params})
    return "login"


def test_a_secret_comes_by_standard_input(yard: Yard, login: str) -> None:
    told = yard(
        "submit", "-q", "default", "-t", login, "--secret", "password", "--follow", stdin=f"{SECRET}\n".encode()
    )

    assert told.status == 0, told.err
    assert hashlib.sha256(SECRET.encode()).hexdigest() in told.out
    assert SECRET not in told.out + told.err


def test_a_list_of_jobs_may_share_one(yard: Yard, login: str, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text('{"notes": "one"}\n{"notes": "two"}\n')
    words = ("submit", "-q", "default", "-t", login, "--secret", "password", "--from", str(jobs))

    ids = yard.json(*words, stdin=f"{SECRET}\n".encode())["ids"]

    shown = [yard.json("job", str(number))["params"] for number in ids]
    assert shown == [{"password": "***"}] * 2


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        pytest.param(["--secret", "password"], 1, 'The secret "password" is empty', id="nothing given"),
        pytest.param(["--secret", "password", "--from", "-"], 2, "cannot both read standard input", id="both"),
    ],
)
def test_without_a_secret_nothing_is_submitted(
    yard: Yard, login: str, words: list[str], status: int, message: str
) -> None:
    told = yard("submit", "-q", "default", "-t", login, *words)

    assert told.status == status
    assert message in told.err
