"""The settings of a whole site, as a fresh process sees them."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.test import Client, override_settings

from scheduler_site.env import Environment
from scheduler_site.places import SOCKET_PATH_BYTES, broker_socket, kept_secret
from scheduler_site.proxies import is_trusted

ROOT = Path(__file__).resolve().parents[2]
DISABLED = {"BATCHYARD_AUTH": "disabled"}
HEADER = {"BATCHYARD_AUTH": "header", "BATCHYARD_TRUSTED_PROXIES": "127.0.0.1"}
SHOW = "import json, scheduler_site.settings as s; print(json.dumps({n: getattr(s, n) for n in %r}, default=str))"


def process(*words: str, directory: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    own = {"BATCHYARD_DATA_DIR": str(directory / "var"), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=own | settings, capture_output=True, text=True, timeout=60
    )


def shown(*names: str, directory: Path, **settings: str) -> dict[str, object]:
    done = process("-c", SHOW % (names,), directory=directory, **settings)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="embedded, on loopback"),
        pytest.param({"BATCHYARD_TLS": "true", "BATCHYARD_BIND": "0.0.0.0:8000"}, id="behind TLS"),
        pytest.param(DISABLED, id="nobody asked"),
        pytest.param(HEADER | {"BATCHYARD_PROXY_SECRET": "x" * 16}, id="behind a proxy that asks"),
    ],
)
def test_deployment_checks_find_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    words = ("manage.py", "check", "--deploy", "--tag", "security", "--fail-level", "WARNING")

    done = process(*words, directory=tmp_path, **settings)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"BATCHYARD_AUTH": "cookie"}, "BATCHYARD_AUTH: 'cookie' is unknown", id="unknown way"),
        pytest.param({"BATCHYARD_AUTH": ","}, "BATCHYARD_AUTH names no way", id="no way"),
        pytest.param(DISABLED | {"BATCHYARD_BIND": "0.0.0.0:8000"}, "lets in whoever reaches", id="disabled for all"),
        pytest.param(DISABLED | {"BATCHYARD_BIND": "10.0.0.1:8000"}, "lets in whoever reaches", id="for a network"),
        pytest.param(DISABLED | {"BATCHYARD_TRUSTED_PROXIES": "127.0.0.1"}, "for one machine", id="behind a proxy"),
        pytest.param({"BATCHYARD_AUTH": "disabled,token"}, "beside token", id="disabled beside others"),
        pytest.param({"BATCHYARD_AUTH": "header"}, "needs BATCHYARD_TRUSTED_PROXIES", id="header from anybody"),
        pytest.param(HEADER, "needs BATCHYARD_PROXY_SECRET", id="header without a secret"),
        pytest.param(HEADER | {"BATCHYARD_PROXY_SECRET": "short"}, "at least 16 characters", id="short secret"),
        pytest.param({"BATCHYARD_TRUSTED_PROXIES": "unixx"}, "addresses, networks and unix", id="no address"),
    ],
)
def test_ways_to_come_in_that_cannot_be_meant_stop_the_start(
    settings: dict[str, str], message: str, tmp_path: Path
) -> None:
    done = process("manage.py", "check", directory=tmp_path, **settings)

    assert done.returncode != 0
    assert message in done.stderr


def test_plain_http_for_others_is_warned_of(tmp_path: Path) -> None:
    done = process("manage.py", "check", "--deploy", directory=tmp_path, BATCHYARD_BIND="0.0.0.0:8000")

    assert "batchyard.W001" in done.stderr


def test_a_superuser_can_be_made_before_the_first_start(tmp_path: Path) -> None:
    words = ("manage.py", "createsuperuser", "--noinput", "--username", "root", "--email", "root@example.org")

    done = process(*words, directory=tmp_path, DJANGO_SUPERUSER_PASSWORD="seven grey pelicans")

    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(tmp_path / "var" / "batchyard.sqlite3")) as rows:
        told = rows.execute("SELECT username, is_superuser FROM accounts_user").fetchall()
    assert told == [("root", 1)]


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    first = shown("SECRET_KEY", directory=tmp_path)
    second = shown("SECRET_KEY", directory=tmp_path)
    path = tmp_path / "var" / "secret_key"

    assert first == second
    assert len(str(first["SECRET_KEY"])) > 60
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [kept.name for kept in path.parent.iterdir()] == ["secret_key"]


def test_a_kept_secret_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("old\n")

    assert kept_secret(tmp_path / "key") == "old"


def test_the_shared_parts_of_a_site_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "broker").write_text("redis://broker/0\n")
    settings = {"DATABASE_URL": "postgres://me@db/yard", "CELERY_BROKER_URL_FILE": str(tmp_path / "broker")}

    found = shown("DATABASES", "CELERY_BROKER_URL", "DEBUG", directory=tmp_path, **settings)

    assert found["CELERY_BROKER_URL"] == "redis://broker/0"
    assert found["DEBUG"] is False
    [database] = dict(found["DATABASES"]).values()  # type: ignore[call-overload]
    assert (database["HOST"], database["NAME"], database["USER"]) == ("db", "yard", "me")
    assert database["CONN_HEALTH_CHECKS"] is True
    assert database["OPTIONS"]["pool"]["max_size"] == 10


def test_a_data_directory_with_a_long_path_still_has_a_socket_for_its_broker() -> None:
    directory = Path("/" + "x" * 120)

    assert len(os.fsencode(broker_socket(directory))) <= SOCKET_PATH_BYTES
    assert broker_socket(directory) != broker_socket(directory / "y")


def test_pages_carry_a_strict_content_security_policy(client: Client) -> None:
    policy = client.get("/nothing-here").headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    for rule in ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert rule in policy


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/accounts/login/", "/nothing-here", "/api/v1/whoami", "/admin/", "/healthz"])
def test_every_answer_tells_browsers_to_be_careful(client: Client, address: str) -> None:
    headers = client.get(address).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert {"camera=()", "geolocation=()", "usb=()"} <= set(headers["Permissions-Policy"].split(", "))
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_behind_tls_browsers_come_back_by_tls_only(tmp_path: Path) -> None:
    names = ("SECURE_HSTS_SECONDS", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")

    assert shown(*names, directory=tmp_path, BATCHYARD_TLS="true") == dict(
        zip(names, (365 * 86400, True, True, True), strict=True)
    )


@pytest.mark.parametrize("host", ["evil.example.org", "localhost.evil.example.org", "127.0.0.1.evil.org", "a b"])
def test_the_site_answers_to_its_own_names_alone(client: Client, host: str) -> None:
    with override_settings(ALLOWED_HOSTS=["yard.example.org", "localhost", "127.0.0.1", "[::1]"]):
        assert client.get("/accounts/login/", HTTP_HOST=host).status_code == 400


def test_forwarded_headers_are_believed_only_from_trusted_proxies() -> None:
    networks = Environment({"P": "10.0.0.0/8, ::1"}).networks("P")

    assert is_trusted("10.1.2.3", networks)
    assert is_trusted("::1", networks)
    assert not is_trusted("192.0.2.1", networks)
    assert not is_trusted("", networks)


@pytest.mark.parametrize(
    ("peer", "is_secure"),
    [pytest.param("10.1.2.3", True, id="trusted"), pytest.param("192.0.2.1", False, id="anyone")],
)
def test_only_a_trusted_proxy_may_say_that_a_request_came_by_tls(peer: str, is_secure: bool) -> None:
    networks = Environment({"P": "10.0.0.0/8"}).networks("P")
    with override_settings(BATCHYARD_TRUSTED_PROXIES=networks, SECURE_SSL_REDIRECT=True):
        answer = Client(headers={"x-forwarded-proto": "https"}).get("/nothing-here", REMOTE_ADDR=peer)

    assert answer.status_code == (404 if is_secure else 301)


def test_a_forged_line_does_not_reach_the_log(tmp_path: Path) -> None:
    script = "import django; django.setup(); import logging; logging.getLogger('x').warning('a\\n2026 forged')"

    done = process("-c", script, directory=tmp_path, DJANGO_SETTINGS_MODULE="scheduler_site.settings")

    assert done.stderr.strip().endswith("Z WARNING x: a\\n2026 forged")
    assert len(done.stderr.strip().splitlines()) == 1
