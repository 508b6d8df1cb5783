from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from hosts.host_keys import parse_key
from hosts.models import Host, HostState, TransportKind
from tests.builders import make_host
from tests.servers.sshd import Sshd, make_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(tmp_path: Path) -> Iterator[Path]:
    """Directories of the site's own for data and keys."""
    (tmp_path / "keys").mkdir()
    with override_settings(BATCHYARD_DATA_DIR=tmp_path, BATCHYARD_KEY_DIR=tmp_path / "keys"):
        yield tmp_path


@pytest.fixture
def build1(shared_sshd: Sshd, places: Path) -> Host:
    """A host behind a real sshd; its key has not been accepted yet."""
    key = places / "keys" / "build1"
    key.write_bytes(shared_sshd.client_key.read_bytes())
    key.chmod(0o600)
    return make_host(
        "build1", transport=TransportKind.SSH, address="127.0.0.1", port=shared_sshd.port, user=shared_sshd.user,
        key="build1", directory=str(places / "there"), state=HostState.UNKNOWN,
    )  # fmt: skip


def check(*words: str) -> str:
    out = StringIO()
    call_command("check_host", *words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> tuple[str, str]:
    """What it prints, and what it fails with."""
    out = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("check_host", *words, stdout=out)
    return out.getvalue(), str(failed.value)


def test_this_machine_can_run_jobs() -> None:
    make_host()

    out = check("localhost")

    assert "this machine; enabled; on" in out
    assert 'Host "localhost" can run jobs.' in out


def test_nothing_is_left_behind_by_the_check(places: Path) -> None:
    make_host()

    check("localhost")

    assert not list(places.rglob("check-*"))


def test_an_unknown_host_is_refused_with_the_nearest_name() -> None:
    make_host("build1")

    _out, message = refused("biuld1")

    assert message == 'There is no host "biuld1". Did you mean "build1"?'


def test_a_key_that_nobody_accepted_is_shown_and_stops_the_check(build1: Host, shared_sshd: Sshd) -> None:
    out, message = refused("build1")

    build1.refresh_from_db()
    assert f"{parse_key(shared_sshd.host_key_text).fingerprint} (not accepted yet)" in out
    assert "manage.py check_host build1 --accept" in message
    assert build1.host_keys == ""


def test_accepting_shows_the_keys_keeps_them_and_goes_on(build1: Host, shared_sshd: Sshd) -> None:
    out = check("build1", "--accept")

    build1.refresh_from_db()
    assert parse_key(shared_sshd.host_key_text).fingerprint in out
    assert parse_key(build1.host_keys) == parse_key(shared_sshd.host_key_text)
    assert "log-in: works" in out
    assert "files: work" in out
    assert 'Host "build1" can run jobs.' in out
    assert "(expected)" in check("build1")


def test_another_key_than_the_accepted_one_is_refused_and_explained(build1: Host, places: Path) -> None:
    other = make_key(places / "other", kind="ed25519")
    build1.host_keys = Path(f"{other}.pub").read_text().strip()
    build1.save(update_fields=["host_keys"])

    _out, message = refused("build1")

    assert "offers none of its accepted keys" in message
    assert "another machine answers in its place" in message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"port": 1}, "no SSH server answers at 127.0.0.1, port 1", id="nothing listens"),
        pytest.param({"key": "absent"}, "absent", id="no such key"),
        pytest.param({"user": "nobody-of-this-name"}, "nobody-of-this-name", id="account"),
        pytest.param({"directory": "/proc/nowhere"}, "answers and cannot run jobs", id="directory"),
        pytest.param({"host_keys": "ssh-ed25519 AAAA"}, "cannot be read", id="stored key"),
    ],
)
def test_what_failed_is_said(build1: Host, changed: dict[str, Any], message: str) -> None:
    check("build1", "--accept")
    Host.objects.update(**changed)

    _out, told = refused("build1")

    assert message in told
