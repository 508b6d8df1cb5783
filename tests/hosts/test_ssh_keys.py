from __future__ import annotations

import os
from pathlib import Path

import pytest

from hosts.transports.ssh_keys import KeyRefused, load_key
from tests.servers.sshd import make_key


@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"], ids=["OpenSSH", "PEM", "PKCS8"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("passphrase", [None, "open sesame"], ids=["plain", "encrypted"])
def test_every_usual_key_is_loaded(tmp_path: Path, kind: str, form: str, passphrase: str | None) -> None:
    path = make_key(tmp_path / "key", kind=kind, passphrase=passphrase or "", form=form)

    key = load_key(path, passphrase=passphrase)

    assert key.get_base64() == Path(f"{path}.pub").read_text().split()[1]
    assert key.can_sign()


def test_a_passphrase_that_is_not_needed_does_no_harm(tmp_path: Path) -> None:
    assert load_key(make_key(tmp_path / "key", kind="ed25519"), passphrase="unused").can_sign()


def refused(path: Path, *, passphrase: str | None = None) -> str:
    with pytest.raises(KeyRefused) as problem:
        load_key(path, passphrase=passphrase)
    return str(problem.value)


@pytest.mark.meets("BD-41")
@pytest.mark.parametrize("form", ["RFC4716", "PEM"])
def test_a_passphrase_that_is_missing_or_wrong_is_told(tmp_path: Path, form: str) -> None:
    path = make_key(tmp_path / "key", kind="rsa", passphrase="open sesame", form=form)

    assert "none is given" in refused(path)
    assert "not the right one" in refused(path, passphrase="open barley")


def test_the_public_half_is_told(tmp_path: Path) -> None:
    path = make_key(tmp_path / "key", kind="ed25519")
    public = Path(f"{path}.pub")
    public.chmod(0o600)

    assert "without .pub" in refused(public)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0\xff garbage", id="garbage"),
        pytest.param(b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", id="torn"),
        pytest.param(b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", id="torn PEM"),
    ],
)
def test_what_is_no_key_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)
    path.chmod(0o600)

    assert "no private key" in refused(path)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = make_key(tmp_path / "key", kind="ed25519")
    path.chmod(mode)

    assert "chmod 600" in refused(path)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", mode=0o600)

    assert "is a directory" in refused(tmp_path)
    assert "a pipe" in refused(tmp_path / "pipe")
    assert "cannot be opened" in refused(tmp_path / "missing")


def test_a_file_that_is_far_too_long_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"x" * 70_000)
    path.chmod(0o600)

    assert "70000 bytes" in refused(path)
