from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_LIMIT_BYTES = 64 * 1024


class KeyRefused(Exception):
    """What was given cannot serve as a private key; the message says why and what would."""


def load_key(path: Path, *, passphrase: str | None = None) -> paramiko.PKey:
    """The private key (Ed25519, ECDSA or RSA) in the file `path`. A passphrase without need is not looked at.

    Raises KeyRefused.
    """
    return read_key(_read(path), passphrase=passphrase, name=str(path))


def load_key_with_passphrase(path: Path) -> paramiko.PKey:
    """The private key in the file `path`, unlocked by the first line of `<path>.passphrase` if there is that file.

    Both are their owner's alone. Raises KeyRefused.
    """
    beside = path.with_name(f"{path.name}.passphrase")
    lines = _read(beside).decode(errors="replace").splitlines() if beside.is_file() else []
    return load_key(path, passphrase=lines[0] if lines else None)


def read_key(data: bytes, *, passphrase: str | None, name: str) -> paramiko.PKey:
    """The private key that `data`, which messages call `name`, holds. Raises KeyRefused."""
    if data.lstrip().startswith((b"ssh-", b"ecdsa-", b"---- BEGIN SSH2 PUBLIC", b"-----BEGIN PUBLIC")):
        raise KeyRefused(f"{name} is a public key. Give the private key, which stands beside it without .pub.")
    return _for_paramiko(_decrypt(data, name=name, passphrase=passphrase), name=name)


def _read(path: Path) -> bytes:
    try:
        # Not blocking: to open a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise KeyRefused(f"{path} cannot be opened: {problem.strerror}.") from problem
    try:
        _check(os.fstat(descriptor), path=path)
        return os.read(descriptor, _LIMIT_BYTES)
    finally:
        os.close(descriptor)


def _check(status: os.stat_result, *, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
        raise KeyRefused(f"{path} is {kind}; a key is a file.")
    if status.st_size > _LIMIT_BYTES:
        raise KeyRefused(f"{path} has {status.st_size} bytes; at most {_LIMIT_BYTES} are possible.")
    if mode := stat.S_IMODE(status.st_mode) & 0o077:
        raise KeyRefused(
            f"{path} may be used by others (mode {mode:03o} of them); it has to be its owner's alone: chmod 600."
        )


def _decrypt(data: bytes, *, name: str, passphrase: str | None) -> PrivateKeyTypes:
    load = (
        serialization.load_ssh_private_key
        if b"BEGIN OPENSSH PRIVATE KEY" in data
        else serialization.load_pem_private_key
    )
    try:
        return load(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        if not _is_encrypted(problem):
            raise KeyRefused(
                f"{name} is no private key of a kind that is possible: Ed25519, ECDSA or RSA."
            ) from problem
    if passphrase is None:
        raise KeyRefused(f"{name} is protected by a passphrase, and none is given.")
    try:
        return load(data, passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise KeyRefused(f"The passphrase given for {name} is not the right one.") from problem


def _is_encrypted(problem: Exception) -> bool:
    # The library tells by the text alone: ValueError for OpenSSH's format, TypeError for PEM.
    return "password" in str(problem).lower()


def _for_paramiko(key: PrivateKeyTypes, *, name: str) -> paramiko.PKey:
    kinds: tuple[tuple[type, type[paramiko.PKey]], ...] = (
        (Ed25519PrivateKey, paramiko.Ed25519Key),
        (EllipticCurvePrivateKey, paramiko.ECDSAKey),
        (RSAPrivateKey, paramiko.RSAKey),
    )
    # paramiko reads OpenSSH's format for every kind, and others for some only.
    for kind, target in kinds:
        if isinstance(key, kind):
            text = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
            return target.from_private_key(io.StringIO(text.decode()))
    raise KeyRefused(f"{name} is a key of a kind that is not possible; Ed25519, ECDSA and RSA are.")
