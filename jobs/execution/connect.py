"""From a host's row to an open connection with the supervisor at its end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import paramiko
from django.conf import settings

from hosts.credentials import pair_of, version_of
from hosts.models import Host, TransportKind
from hosts.secrets.ring import SecretsUnusable
from hosts.supervisor.client import Supervisor
from hosts.supervisor.records import Hello
from hosts.transports.base import HostUnreachable, Shell, Transport
from hosts.transports.local import LocalTransport
from hosts.transports.ssh import SshTransport
from hosts.transports.ssh_keys import KeyRefused, load_key_with_passphrase, read_key
from hosts.transports.ssh_login import SshAddress
from jobs.execution.clock import now
from jobs.models import Site

SHELL_TIMEOUT_SECONDS = 20.0


class HostChanged(Exception):
    """The host's row says something else than when the connection was made."""


@dataclass(frozen=True, slots=True)
class HostClock:
    """Turns a host's uptime into times of ours.

    Durations are then the host's own monotonic ones, and a wrong wall clock there does not matter.
    """

    booted_at: datetime

    @classmethod
    def from_hello(cls, hello: Hello) -> HostClock:
        """Its uptime is the last that it has told, so it is of the moment at which that was heard."""
        since_then = time.monotonic() - hello.heard_at
        return cls(now() - timedelta(seconds=hello.uptime_seconds + since_then))

    def at(self, uptime_seconds: float, *, earliest: datetime, latest: datetime) -> datetime:
        """When the host's uptime was this, kept between two moments that it cannot have missed."""
        return min(max(self.booted_at + timedelta(seconds=uptime_seconds), earliest), latest)


@dataclass(frozen=True, slots=True)
class Line:
    """One open connection to a host: the transport, and the supervisor behind its control shell."""

    transport: Transport
    shell: Shell
    supervisor: Supervisor
    hello: Hello
    clock: HostClock

    def close(self) -> None:
        self.transport.close()


def open_line(host: Host, *, site: UUID) -> Line:
    """Connect and greet the supervisor. Raises HostUnreachable (also for a refused key) or HostUnsuitable."""
    transport = open_transport(host)
    try:
        shell = transport.open_shell(timeout_seconds=SHELL_TIMEOUT_SECONDS)
        supervisor = supervisor_of(host, transport, shell, site=site)
        hello = supervisor.hello()
    except BaseException:
        transport.close()
        raise
    return Line(transport, shell, supervisor, hello, HostClock.from_hello(hello))


def told_about(host: Host) -> tuple[object, ...]:
    """What a connection is made from, and what runs are prepared with."""
    reached_by = (host.transport, host.address, host.port, host.user, host.key, host.host_keys, host.directory)
    given = (host.input_directory, host.output_directory, host.startup_commands, host.variables, Site.get().variables)
    return (*reached_by, version_of(host), *given)


def supervisor_of(host: Host, transport: Transport, shell: Shell, *, site: UUID) -> Supervisor:
    """The supervisor behind `shell`, not greeted yet."""
    return Supervisor(
        shell,
        directory=directory_of(host, site=site),
        open_shell=lambda: transport.open_shell(timeout_seconds=SHELL_TIMEOUT_SECONDS),
    )


def open_transport(host: Host) -> Transport:
    """A connection to `host`. Raises HostUnreachable."""
    if host.transport == TransportKind.LOCAL:
        return LocalTransport(Path.home())
    key = key_of(host)
    where = SshAddress(
        address=host.address, port=host.port, user=host.user, key=key,
        known_hosts=tuple(known_hosts_lines(host)), name=None,
    )  # fmt: skip
    return SshTransport.connect(where)


def known_hosts_lines(host: Host) -> list[str]:
    """The pinned keys in the form of a known_hosts file: rows hold type and base64 without the name."""
    name = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
    return [f"{name} {line.strip()}" for line in host.host_keys.splitlines() if line.strip()]


def key_of(host: Host) -> paramiko.PKey:
    """What to log in with: the host's own key, or the file that it names. Raises HostUnreachable."""
    try:
        if (given := pair_of(host)) is not None:
            data, passphrase = given.private_key.encode(), given.passphrase or None
            return read_key(data, passphrase=passphrase, name="Its private key")
        if not host.key:
            raise HostUnreachable("It has no key to log in with: name a key file, or give it a private key.")
        return load_key_with_passphrase(Path(settings.BATCHYARD_KEY_DIR) / host.key)
    except SecretsUnusable as problem:
        raise HostUnreachable(str(problem)) from problem
    except (KeyRefused, OSError) as problem:
        raise HostUnreachable(f"Its key cannot be used: {problem}") from problem


def directory_of(host: Host, *, site: UUID) -> str:
    """Where our runs are kept on the host: two sites that share an account do not meet."""
    if host.directory:
        return f"{host.directory.rstrip('/')}/{site.hex}"
    if host.transport == TransportKind.LOCAL:
        return str(Path(settings.BATCHYARD_DATA_DIR).resolve() / "hosts" / host.name)
    return f"~/.batchyard/{site.hex}"
