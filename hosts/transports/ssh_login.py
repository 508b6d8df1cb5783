from __future__ import annotations

import socket
import time
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from hosts.host_keys import HostKey, host_name, keys_for, parse_known_hosts, scan, signing_kinds
from hosts.transports.base import HostKeyRefused, HostUnreachable


@dataclass(frozen=True, slots=True)
class SshAddress:
    """Where and as whom to log in. The host is who `known_hosts` says, or nothing is sent to it.

    known_hosts  lines as of a known_hosts file.
    name         under which the lines have the host; default is its address.
    """

    address: str
    user: str
    key: paramiko.PKey
    known_hosts: tuple[str, ...]
    port: int = 22
    name: str | None = None

    def __str__(self) -> str:
        return host_name(self.address, port=self.port)


def log_in(where: SshAddress, *, timeout_seconds: float) -> paramiko.Transport:
    """A connection that is logged in. The host's key was checked before anything of ours was sent.

    Raises HostUnreachable, HostKeyRefused.
    """
    deadline = time.monotonic() + timeout_seconds
    try:
        connection = paramiko.Transport(_open_socket(where, timeout_seconds=timeout_seconds))
    except (OSError, paramiko.SSHException) as problem:
        raise HostUnreachable(f"{where} cannot be reached: {problem}.") from problem
    try:
        _negotiate(connection, where=where, deadline=deadline)
        _authenticate(connection, where=where, deadline=deadline)
    except (paramiko.SSHException, EOFError, OSError) as problem:
        connection.close()
        raise HostUnreachable(f"{where} cannot be reached by SSH: {str(problem) or repr(problem)}.") from problem
    except HostUnreachable:
        connection.close()
        raise
    return connection


def _open_socket(where: SshAddress, *, timeout_seconds: float) -> socket.socket:
    connection = socket.create_connection((where.address, where.port), timeout=timeout_seconds)
    options = (
        # A link that is cut says nothing. These notice within about 10 s, with and without data on the way.
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10_000),
        # Small requests and answers: without it each waits 40 ms for the other side's delayed acknowledgement.
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    )
    for level, option, value in options:
        connection.setsockopt(level, option, value)
    return connection


def _negotiate(connection: paramiko.Transport, *, where: SshAddress, deadline: float) -> None:
    """Agrees on encryption and checks the host's key. Raises HostKeyRefused."""
    name = host_name(where.name or where.address, port=where.port)
    accepted, revoked = keys_for(parse_known_hosts(where.known_hosts), name=name)
    # A host with several keys shows one: ask for a kind that is accepted.
    kinds = list(dict.fromkeys(key.kind for key in accepted))
    if kinds:
        connection.get_security_options().key_types = signing_kinds(kinds)
    connection.banner_timeout = connection.handshake_timeout = left_seconds(deadline)
    try:
        connection.start_client(timeout=left_seconds(deadline))
    except IncompatiblePeer:
        # It may have none of the accepted kinds: say which key it has instead, or what else did not fit.
        _refuse_other_key(where, name=name, accepted=accepted, deadline=deadline)
        raise
    offered = connection.get_remote_server_key()
    key = HostKey(offered.get_name(), blob=offered.asbytes())
    if key not in accepted or key in revoked:
        raise _refusal(name, accepted=accepted, offered=key)


def _refuse_other_key(where: SshAddress, *, name: str, accepted: list[HostKey], deadline: float) -> None:
    offered = scan(where.address, port=where.port, timeout_seconds=left_seconds(deadline))
    if offered and not set(offered) & set(accepted):
        raise _refusal(name, accepted=accepted, offered=offered[0])


def _refusal(name: str, *, accepted: list[HostKey], offered: HostKey) -> HostKeyRefused:
    return HostKeyRefused(name, expected=tuple(key.fingerprint for key in accepted), offered=offered.fingerprint)


def _authenticate(connection: paramiko.Transport, *, where: SshAddress, deadline: float) -> None:
    connection.auth_timeout = left_seconds(deadline)
    try:
        wanted_too = connection.auth_publickey(where.user, where.key)
    except paramiko.AuthenticationException as problem:
        raise HostUnreachable(
            f'{where} does not let "{where.user}" in with the key {where.key.fingerprint}.'
        ) from problem
    if wanted_too:
        raise HostUnreachable(f'{where} wants more than the key of "{where.user}": {", ".join(wanted_too)}.')


def left_seconds(deadline: float) -> float:
    """Until `deadline`, of time.monotonic(). Raises TimeoutError if that has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("it did not answer in time")
    return seconds
