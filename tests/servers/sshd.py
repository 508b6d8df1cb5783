from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hosts.host_keys import known_hosts_line, parse_key
from hosts.transports.ssh_keys import load_key
from hosts.transports.ssh_login import SshAddress

_START_SECONDS = 10

# What an account prints at each log-in, and then the command. SFTP bears no noise, as with a real account.
_NOISY = """#!/bin/sh
case $SSH_ORIGINAL_COMMAND in
*sftp-server) exec $SSH_ORIGINAL_COMMAND ;;
esac
echo 'Welcome! @sourced is not an answer.'
echo 'Mind the noise.' >&2
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""


class Sshd:
    """A private sshd on a free loopback port, with keys and configuration of its own. Log-ins are of our account."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = _free_port()
        self.user = getpass.getuser()
        self.client_key = make_key(directory / "client", kind="ed25519")
        self.host_key = make_key(directory / "host", kind="ed25519")
        shutil.copyfile(f"{self.client_key}.pub", directory / "authorized_keys")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *extra: str) -> None:
        """Serves, with `extra` lines of configuration before the usual ones (the first one counts)."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        configuration = self.directory / "sshd_config"
        configuration.write_text("\n".join((*extra, *self._usual())) + "\n")
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)],
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        _wait_for_port(self.port)

    def _usual(self) -> tuple[str, ...]:
        return (
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.directory / 'authorized_keys'}",
            "PidFile none",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "MaxSessions 10",
            "LogLevel VERBOSE",
            f"Subsystem sftp {_sftp_server()}",
        )

    def make_noisy(self) -> None:
        script = self.directory / "noisy"
        script.write_text(_NOISY)
        script.chmod(0o755)
        self.restart(f"ForceCommand {script}")

    def restart(self, *extra: str) -> None:
        self.stop()
        self.start(*extra)

    @property
    def address(self) -> SshAddress:
        return SshAddress(
            "127.0.0.1",
            port=self.port,
            user=self.user,
            key=load_key(self.client_key),
            known_hosts=(known_hosts_line("127.0.0.1", port=self.port, key=parse_key(self.host_key_text)),),
        )

    @property
    def host_key_text(self) -> str:
        return Path(f"{self.host_key}.pub").read_text()

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def session_pids(self) -> list[int]:
        """The processes that serve the connections that are open."""
        if self._process is None:
            return []
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def drop_sessions(self) -> None:
        for pid in self.session_pids():
            _signal(pid, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The whole server stands still: the kernel takes connections and bytes for it, and nobody answers."""
        assert self._process is not None
        pids = [self._process.pid, *self.session_pids()]
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                _signal(pid, signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self.drop_sessions()
            self._process.kill()
            self._process.wait()
            self._process = None


def make_key(path: Path, *, kind: str, passphrase: str = "", form: str = "RFC4716") -> Path:
    """A new key pair in `path` and `path`.pub, by ssh-keygen."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run([*command, "-m", form], check=True, stdin=subprocess.DEVNULL)
    return path


def _sftp_server() -> str:
    places = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
    return next((place for place in places if Path(place).exists()), "internal-sftp")


def _signal(pid: int, number: signal.Signals) -> None:
    # A session ends when its client goes, which may be just now.
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_port(port: int) -> None:
    pause = threading.Event()
    for _ in range(_START_SECONDS * 50):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except ConnectionRefusedError:
            pause.wait(0.02)
    raise AssertionError(f"sshd does not listen on port {port}.")


@pytest.fixture(scope="session")
def shared_sshd() -> Iterator[Sshd]:
    """One sshd for all tests that do it no harm."""
    yield from running_sshd()


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    """An sshd of the test's own, to be frozen, restarted and cut off."""
    yield from running_sshd()


def running_sshd() -> Iterator[Sshd]:
    """For a fixture: an sshd that serves until its end."""
    with tempfile.TemporaryDirectory(prefix="by-sshd-") as directory:
        server = Sshd(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.stop()
