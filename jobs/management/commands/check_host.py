from __future__ import annotations

import secrets
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from accounts.audit import changed
from hosts.host_keys import HostKey, KnownHostsRefused, parse_key, scan
from hosts.models import Host, TransportKind
from hosts.supervisor.records import Hello
from hosts.transports.base import HostUnreachable, HostUnsuitable, Shell, Transport
from hosts.transports.quoting import quoted
from jobs.execution.connect import SHELL_TIMEOUT_SECONDS, open_transport, supervisor_of
from jobs.models import Site
from jobs.problems import did_you_mean

PROBE_BYTES: Final = 4096


class Command(BaseCommand):
    help = "Connects to a host and says what works: its keys, the log-in, the supervisor, files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("host")
        parser.add_argument("--accept", action="store_true", help="from now on expect the keys that it offers now")

    def handle(self, *args: Any, host: str, accept: bool, **options: Any) -> None:
        row = host_named(host)
        self.stdout.write(f"{row.name}: {described(row)}")
        try:
            if row.transport == TransportKind.SSH:
                self._check_keys(row, is_accepting=accept)
            self._check_service(row)
        except HostUnreachable as trouble:
            raise CommandError(f'Host "{row.name}" cannot be used: {trouble.reason}') from trouble
        except HostUnsuitable as lack:
            raise CommandError(f'Host "{row.name}" answers and cannot run jobs: {lack}') from lack
        self.stdout.write(f'Host "{row.name}" can run jobs.')

    def _check_keys(self, row: Host, *, is_accepting: bool) -> None:
        """Show the keys that the host offers beside those that are expected. Raises CommandError if none is."""
        expected = expected_fingerprints(row)
        offered = keys_offered_by(row)
        for key in offered:
            verdict = "expected" if key.fingerprint in expected else "not accepted yet"
            self.stdout.write(f"host key: {key.kind} {key.fingerprint} ({verdict})")
        if is_accepting:
            accept_keys(row, [key.text for key in offered])
            self.stdout.write("host key: these are expected from now on, and no others.")
        elif not any(key.fingerprint in expected for key in offered):
            raise CommandError(advice(row, expected))

    def _check_service(self, row: Host) -> None:
        """Log in, greet the supervisor, move a file there and back."""
        transport = open_transport(row)
        try:
            shell = transport.open_shell(timeout_seconds=SHELL_TIMEOUT_SECONDS)
            self.stdout.write("log-in: works")
            hello = supervisor_of(row, transport, shell, site=Site.get().uuid).hello()
            free = f", {hello.free_bytes >> 20} MiB free" if hello.free_bytes is not None else ""
            self.stdout.write(f"supervisor: works, runs are kept in {hello.directory}{free}")
            self.stdout.write(f"runs are started by: {started_by(hello)}")
            check_files(transport, shell, directory=hello.directory)
            self.stdout.write("files: work in both directions")
        finally:
            transport.close()


def started_by(hello: Hello) -> str:
    """What starts runs on the host, and why that."""
    if hello.has_resident:
        return "Python, one process for all"
    why = "its python3 is older than 3.8 or does not work" if hello.has_python else "it has no python3"
    return f"{hello.shell}, one process for each ({why})"


def host_named(name: str) -> Host:
    """The host. Raises CommandError with the nearest name."""
    row = Host.objects.filter(name=name).first()
    if row is None:
        known = Host.objects.values_list("name", flat=True)
        raise CommandError(f'There is no host "{name}". {did_you_mean(name, known)}')
    return row


def described(row: Host) -> str:
    """Where the host is and what its engine last knew of it."""
    is_here = row.transport == TransportKind.LOCAL
    place = "this machine" if is_here else f"{row.user}@{row.address}, port {row.port}"
    known = f"{row.state}: {row.state_reason}" if row.state_reason else row.state
    return f"{place}; {'enabled' if row.enabled else 'disabled'}; {known}"


def keys_offered_by(row: Host) -> list[HostKey]:
    """At least one. Raises HostUnreachable."""
    try:
        offered = scan(row.address, port=row.port)
    except OSError as problem:
        raise HostUnreachable(f"no SSH server answers at {row.address}, port {row.port}: {problem}") from problem
    if not offered:
        raise HostUnreachable(f"the SSH server at {row.address}, port {row.port} offers no key of a known kind.")
    return offered


def expected_fingerprints(row: Host) -> set[str]:
    """Of the accepted keys. Raises CommandError if a stored line is no key."""
    try:
        return {parse_key(line).fingerprint for line in row.host_keys.splitlines() if line.strip()}
    except KnownHostsRefused as problem:
        raise CommandError(f'The host keys of "{row.name}" cannot be read: {problem}') from problem


def accept_keys(row: Host, lines: list[str]) -> None:
    """Expect these keys, and no others, of the host from now on."""
    row.host_keys = "\n".join(lines)
    with changed(row, action="accept host keys"):
        row.save(update_fields=["host_keys"])


def advice(row: Host, expected: set[str]) -> str:
    """What to do about a host that offers no key that is accepted."""
    compare = (
        "Compare the fingerprints above with what `ssh-keygen -lf` prints of /etc/ssh/ssh_host_*_key.pub on the host"
        f" itself; if they agree: manage.py check_host {row.name} --accept"
    )
    if not expected:
        return f'No key of host "{row.name}" is accepted yet. {compare}'
    return (
        f'Host "{row.name}" offers none of its accepted keys ({", ".join(sorted(expected))}). Either it was '
        f"installed anew, or another machine answers in its place. {compare}"
    )


def check_files(transport: Transport, shell: Shell, *, directory: str) -> None:
    """Move a file to the host and back. Raises HostUnsuitable if it does not arrive as it was sent."""
    there = f"{directory}/check-{secrets.token_hex(8)}"
    sent = secrets.token_bytes(PROBE_BYTES)
    with tempfile.TemporaryDirectory() as here:
        (Path(here) / "sent").write_bytes(sent)
        try:
            transport.upload(Path(here) / "sent", remote=there)
            transport.download(there, local=Path(here) / "back")
        except OSError as problem:
            raise HostUnsuitable(f"files cannot be moved to or from {directory}: {problem}") from problem
        finally:
            shell.ask(b"rm -f -- " + quoted(there), timeout_seconds=SHELL_TIMEOUT_SECONDS)
        if (Path(here) / "back").read_bytes() != sent:
            raise HostUnsuitable(f"a file moved to {directory} and back is not the same.")
