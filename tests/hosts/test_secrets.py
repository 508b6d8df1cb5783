"""What is stored sealed, and the keys for it."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError

from hosts.credentials import SEALED, KeyPair, keep_pair, pair_of
from hosts.models import Credential, Host
from hosts.secrets.ring import SecretsUnusable, new_key
from hosts.secrets.rotation import Rotated, check_readable, rotate
from scheduler_site.checks import check_secret_keys
from tests.builders import make_host

pytestmark = pytest.mark.django_db
TEXT = "an unlikely text ünd more"


@pytest.fixture(autouse=True)
def key_file(settings: LazySettings, tmp_path: Path) -> Path:
    path = tmp_path / "secret_keys"
    settings.BATCHYARD_SECRET_KEYS, settings.BATCHYARD_SECRET_KEYS_FILE = "", path
    settings.HAS_OWN_SECRET_KEYS_FILE = False
    return path


def keep(name: str, text: str = TEXT) -> Host:
    host = make_host(name)
    keep_pair(host, KeyPair(text))
    return host


def kept(host: Host) -> str:
    found = pair_of(host)
    assert found is not None
    return found.private_key


def test_a_secret_is_stored_sealed_and_can_be_read() -> None:
    host = keep("build")

    sealed = Credential.objects.get(host=host).sealed

    assert kept(host) == TEXT
    assert TEXT not in sealed
    assert TEXT.encode() not in base64.urlsafe_b64decode(sealed)


def test_the_first_secret_makes_a_key_that_is_its_owner_s_alone(key_file: Path) -> None:
    assert not key_file.exists()

    keep("build")

    assert key_file.stat().st_mode & 0o777 == 0o600
    assert len(base64.urlsafe_b64decode(key_file.read_text())) == 32


def test_a_secret_does_not_open_in_another_row() -> None:
    mine, other = keep("mine"), keep("other", "something else")
    Credential.objects.filter(host=other).update(sealed=Credential.objects.get(host=mine).sealed)

    with pytest.raises(SecretsUnusable, match="was stored in another place"):
        pair_of(other)


def test_plain_text_in_the_place_of_a_secret_is_told(key_file: Path) -> None:
    host = keep("build")
    Credential.objects.filter(host=host).update(sealed="hunter2 hunter2")

    with pytest.raises(SecretsUnusable, match="is not sealed") as told:
        check_readable()

    assert "hunter2" not in str(told.value)


def test_a_lost_key_is_told_and_never_made_anew(key_file: Path) -> None:
    host = keep("build")
    key_file.unlink()

    with pytest.raises(SecretsUnusable, match=r"keys are missing: .*secret_keys is not there"):
        pair_of(host)
    with pytest.raises(SecretsUnusable, match="keys are missing"):
        keep("other")
    with pytest.raises(SecretsUnusable, match="keys are missing"):
        check_readable()
    assert not key_file.exists()


def test_a_wrong_key_is_told(key_file: Path) -> None:
    host = keep("build")
    key_file.write_text(new_key())

    with pytest.raises(SecretsUnusable, match="lacks the key under which it was stored"):
        pair_of(host)
    with pytest.raises(SecretsUnusable, match=rf"hosts_credential.sealed.{host.pk} cannot be read"):
        check_readable()


def test_a_site_without_secrets_needs_no_keys(key_file: Path) -> None:
    check_readable()

    assert rotate() == Rotated(0, 0)
    assert not key_file.exists()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n", id="empty"),
        pytest.param("hunter2", id="no key"),
        pytest.param(f"{new_key()},short", id="the second is none"),
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(key_file: Path, text: str) -> None:
    key_file.write_text(text)

    with pytest.raises(SecretsUnusable, match="key") as told:
        check_readable()

    assert "hunter2" not in str(told.value)


def test_keys_may_come_from_the_environment(settings: LazySettings, key_file: Path) -> None:
    settings.BATCHYARD_SECRET_KEYS = base64.b64encode(os.urandom(32)).decode()

    assert kept(keep("build")) == TEXT
    assert not key_file.exists()


def test_a_named_file_of_keys_has_to_be_there(settings: LazySettings) -> None:
    settings.HAS_OWN_SECRET_KEYS_FILE = True

    with pytest.raises(SecretsUnusable, match=r"BATCHYARD_SECRET_KEYS_FILE names .*, which is not there"):
        keep("build")


def test_rotation_brings_everything_under_the_new_key(key_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hosts = [keep(f"host-{number}", f"{TEXT} {number}") for number in range(3)]

    call_command("rotate_secrets", "--new-key")

    told = capsys.readouterr().out
    new, old = key_file.read_text().split()
    assert "3 secrets are under the newest key from now on, 0 were so before." in told
    assert key_file.stat().st_mode & 0o777 == 0o600
    key_file.write_text(new)
    assert [kept(host) for host in hosts] == [f"{TEXT} {number}" for number in range(3)]
    assert new != old


def test_an_interrupted_rotation_goes_on_where_it_was(key_file: Path) -> None:
    hosts = [keep(f"host-{number}") for number in range(3)]
    key_file.write_text(f"{new_key()}\n{key_file.read_text()}")
    # As if it had come as far as the first.
    Credential.objects.filter(host=hosts[0]).update(sealed=SEALED.seal('{"private_key": "x"}', pk=hosts[0].pk))

    assert rotate() == Rotated(changed=2, kept=1)
    assert rotate() == Rotated(changed=0, kept=3)


def test_rotation_stops_at_what_it_cannot_read() -> None:
    host = keep("build")
    Credential.objects.filter(host=host).update(sealed="gAAAA" + "x" * 100)

    with pytest.raises(CommandError, match="cannot be read"):
        call_command("rotate_secrets")


def test_keys_that_all_can_read_are_warned_about(key_file: Path) -> None:
    keep("build")

    assert check_secret_keys(None) == []
    key_file.chmod(0o644)
    assert [warning.id for warning in check_secret_keys(None)] == ["batchyard.W003"]


def test_a_key_is_added_only_where_it_would_be_kept(settings: LazySettings) -> None:
    settings.BATCHYARD_SECRET_KEYS = new_key()

    with pytest.raises(CommandError, match="yourself"):
        call_command("rotate_secrets", "--new-key")
