"""Settings come from the environment; what makes no sense there stops the start and says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from scheduler_site.env import Bind, Environment


def env(**values: str) -> Environment:
    return Environment(values)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        pytest.param(lambda: env(DEBUG="maybe").flag("DEBUG", default=False), "DEBUG is 'maybe'", id="flag"),
        pytest.param(
            lambda: env(N="ten").count("N", default=1, low=1, high=9), "N is 'ten'.*from 1 to 9", id="count, no number"
        ),
        pytest.param(lambda: env(N="10").count("N", default=1, low=1, high=9), "N is '10'", id="count, too large"),
        pytest.param(
            lambda: env(A="sesion").chosen("A", possible=("session", "token"), default=""),
            "A: 'sesion' is unknown. Did you mean 'session'\\? Possible: session, token",
            id="unknown word",
        ),
        pytest.param(lambda: env(B="8000").bind("B", default=""), "B is '8000'.*127.0.0.1:8000", id="no address"),
        pytest.param(lambda: env(B="host:x").bind("B", default=""), "B is 'host:x'", id="no port"),
        pytest.param(lambda: env(B="::1").bind("B", default=""), "B is '::1'", id="address without port"),
        pytest.param(lambda: env(P="10.0.0.300").networks("P"), "P is '10.0.0.300'", id="no network"),
        pytest.param(lambda: env(U="mysql://x/y").database("U"), "U: 'mysql' is unknown", id="unknown database"),
        pytest.param(lambda: env(C="rediss+x://y").broker("C"), "C: 'rediss\\+x' is unknown", id="unknown broker"),
        pytest.param(lambda: env(S="x", S_FILE="/y").secret("S"), "S and S_FILE are both set", id="secret given twice"),
        pytest.param(
            lambda: env(S_FILE="/nonexistent").secret("S"), "S_FILE names '/nonexistent'", id="secret's file absent"
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_what_is_possible(read: Callable[[], object], message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        read()


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hush\n")

    assert env(S_FILE=str(path)).secret("S") == "hush"


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("\n")

    with pytest.raises(ImproperlyConfigured, match="which is empty"):
        env(S_FILE=str(path)).secret("S")


def test_a_wrong_database_url_never_repeats_its_password() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        env(U="postgres://me:hush@host:port/name").database("U")

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected", "is_loopback"),
    [
        pytest.param("127.0.0.1:8000", Bind("127.0.0.1", 8000), True, id="loopback"),
        pytest.param("localhost:80", Bind("localhost", 80), True, id="localhost"),
        pytest.param("[::1]:80", Bind("::1", 80), True, id="loopback, IPv6"),
        pytest.param("0.0.0.0:80", Bind("0.0.0.0", 80), False, id="every address"),
        pytest.param(":80", Bind("", 80), False, id="no address: every one"),
        pytest.param("[2001:db8::1]:80", Bind("2001:db8::1", 80), False, id="IPv6"),
    ],
)
def test_an_address_to_listen_on(text: str, expected: Bind, is_loopback: bool) -> None:
    found = env(B=text).bind("B", default="")

    assert found == expected
    assert found.is_loopback is is_loopback


def test_a_variable_that_nothing_reads_is_told_with_the_nearest_name() -> None:
    environment = env(BATCHYARD_BINDS="x", OTHER="y")
    environment.text("BATCHYARD_BIND")

    assert environment.unknown_names(prefix="BATCHYARD_") == {"BATCHYARD_BINDS": "BATCHYARD_BIND"}
