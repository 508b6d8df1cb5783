from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

# What a host may be asked for. No DSA, and RSA signs with SHA-2 only (paramiko's and ours alike).
KEY_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


class KnownHostsRefused(ValueError):
    """A line is not one of a known_hosts file, or not of a kind that is checked here."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host's public key: its kind, such as ssh-ed25519, and its bytes."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: SHA256:..."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def text(self) -> str:
        """As known_hosts has it: kind and base64."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True, slots=True)
class KnownHost:
    """A line of known_hosts: for these names, this key is accepted, or, if revoked, never."""

    names: tuple[str, ...]
    key: HostKey
    is_revoked: bool = False

    def is_for(self, name: str) -> bool:
        """Whether the line speaks of `name`, which is an address or `[address]:port`."""
        return any(_matches(pattern, name=name) for pattern in self.names)


def _matches(pattern: str, *, name: str) -> bool:
    if not pattern.startswith("|1|"):
        return pattern.lower() == name.lower()
    salt, digest = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def parse_known_hosts(lines: Iterable[str]) -> list[KnownHost]:
    """The entries of `lines`; empty lines and comments are passed over. Raises KnownHostsRefused.

    Names with wildcards and @cert-authority are refused: a pinned key is for one host.
    """
    return [_parse_line(line) for line in map(str.strip, lines) if line and not line.startswith("#")]


def _parse_line(line: str) -> KnownHost:
    marker, rest = line.split(maxsplit=1) if line.startswith("@") and " " in line else ("", line)
    words = rest.split()
    if marker not in {"", "@revoked"} or len(words) < 3:
        raise KnownHostsRefused(
            f'"{_short(line)}" is no line of known_hosts: NAMES KIND KEY, or @revoked NAMES KIND KEY.'
        )
    names = tuple(words[0].split(","))
    if any(character in words[0] for character in "*?!"):
        raise KnownHostsRefused(f'"{words[0]}" names more than one host; write each name out.')
    _check_hashed(names)
    return KnownHost(names, key=parse_key(f"{words[1]} {words[2]}"), is_revoked=marker == "@revoked")


def _check_hashed(names: tuple[str, ...]) -> None:
    for name in names:
        try:
            _matches(name, name="")
        except ValueError as problem:
            raise KnownHostsRefused(f'"{_short(name)}" is no hashed host name: |1|SALT|HASH.') from problem


def parse_key(text: str) -> HostKey:
    """The key of `KIND BASE64`. Raises KnownHostsRefused if it is none, or says another kind than it is."""
    kind, _, encoded = text.strip().partition(" ")
    try:
        blob = base64.b64decode(encoded.split()[0], validate=True)
    except (binascii.Error, IndexError) as problem:
        raise KnownHostsRefused(f'"{_short(text)}" is no public key: KIND BASE64.') from problem
    if kind not in KEY_KINDS:
        raise KnownHostsRefused(f'The key kind "{kind}" is not possible; one of {", ".join(KEY_KINDS)}.')
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        raise KnownHostsRefused(f'"{_short(text)}" says it is {kind} and is not.')
    return HostKey(kind, blob)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def host_name(address: str, *, port: int) -> str:
    """The name that known_hosts has for a host: its address, with the port if that is not 22."""
    return address if port == 22 else f"[{address}]:{port}"


def known_hosts_line(address: str, *, port: int, key: HostKey) -> str:
    """The line that accepts `key` for the host."""
    return f"{host_name(address, port=port)} {key.text}"


def keys_for(known: Iterable[KnownHost], *, name: str) -> tuple[list[HostKey], list[HostKey]]:
    """The keys accepted for the host `name`, and the revoked ones."""
    entries = [entry for entry in known if entry.is_for(name)]
    revoked = [entry.key for entry in entries if entry.is_revoked]
    accepted = [entry.key for entry in entries if not entry.is_revoked and entry.key not in revoked]
    return accepted, revoked


def scan(address: str, *, port: int = 22, timeout_seconds: float = 5.0) -> list[HostKey]:
    """The keys that the host offers now, for a person to compare and accept. Only a greeting is sent.

    Each kind takes a connection of its own; `timeout_seconds` bounds them together. Empty: it offers none
    that we know. Raises OSError (also TimeoutError) if it cannot be reached, or does not speak SSH.
    """
    deadline = time.monotonic() + timeout_seconds
    found = (_offered(address, port=port, kind=kind, deadline=deadline) for kind in KEY_KINDS)
    return [key for key in found if key is not None]


def _offered(address: str, *, port: int, kind: str, deadline: float) -> HostKey | None:
    with socket.create_connection((address, port), timeout=_left_seconds(deadline)) as connection:
        transport = paramiko.Transport(connection)
        try:
            return _key_offered(transport, kind=kind, deadline=deadline)
        finally:
            transport.close()


def _key_offered(transport: paramiko.Transport, *, kind: str, deadline: float) -> HostKey | None:
    transport.get_security_options().key_types = signing_kinds([kind])
    transport.banner_timeout = _left_seconds(deadline)
    try:
        transport.start_client(timeout=_left_seconds(deadline))
    except IncompatiblePeer:
        return None
    except (paramiko.SSHException, EOFError) as problem:
        raise OSError(f"It does not speak SSH, or not in time: {problem}") from problem
    key = transport.get_remote_server_key()
    return HostKey(key.get_name(), blob=key.asbytes())


def signing_kinds(kinds: Sequence[str]) -> list[str]:
    """The names of the signatures to ask a host for, to be shown its keys of `kinds`. RSA signs as SHA-2."""
    names: list[str] = []
    for kind in kinds:
        names += ["rsa-sha2-512", "rsa-sha2-256"] if kind == "ssh-rsa" else [kind]
    return names


def _left_seconds(deadline: float) -> float:
    left_seconds = deadline - time.monotonic()
    if left_seconds <= 0:
        raise TimeoutError("It did not show its keys in time.")
    return left_seconds
