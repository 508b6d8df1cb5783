"""A private sshd on loopback with keys of its own, as a host of a site and for Debian's ssh beside it."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.processes import family, until
from bench.rows import NotPossible
from bench.site import SEATS, Site

NAME: Final = "far"
START_SECONDS: Final = 10.0


class Sshd:
    """A server that is running, and how to reach it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = _free_port()
        self.user = getpass.getuser()

    @property
    def client_options(self) -> list[str]:
        """What Debian's ssh needs to log in over one shared connection."""
        told = {
            "IdentityFile": self.directory / "client", "UserKnownHostsFile": self.directory / "known_hosts",
            "StrictHostKeyChecking": "accept-new", "BatchMode": "yes", "LogLevel": "ERROR",
            "ControlPath": self.directory / "control",
        }  # fmt: skip
        return ["-F", "none", "-p", str(self.port), *(word for k, v in told.items() for word in ("-o", f"{k}={v}"))]

    @property
    def target(self) -> str:
        return f"{self.user}@127.0.0.1"

    def prepare(self) -> list[str]:
        """Keys and configuration; the command that runs the server. Raises NotPossible without OpenSSH."""
        program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
        if program is None or shutil.which("ssh") is None:
            raise NotPossible("OpenSSH's sshd and ssh are not both installed.")
        for name in ("client", "host"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.directory / name)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        shutil.copyfile(self.directory / "client.pub", self.directory / "authorized_keys")
        (self.directory / "home").mkdir()
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        configuration = self.directory / "sshd_config"
        configuration.write_text("\n".join(self._lines()) + "\n")
        return [program, "-D", "-e", "-f", str(configuration)]

    def _lines(self) -> tuple[str, ...]:
        return (
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.directory / 'host'}",
            f"AuthorizedKeysFile {self.directory / 'authorized_keys'}",
            "PidFile none",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            # What the account's own shell profile costs is neither ours nor the peer's.
            f"SetEnv HOME={self.directory / 'home'}",
            "Subsystem sftp internal-sftp",
        )

    def become_host_of(self, site: Site) -> None:
        """Make it the host and the queue `far` of a running site."""
        keys = site.data_directory / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(self.directory / "client", keys / NAME)
        (keys / NAME).chmod(0o600)
        address = {"transport": "ssh", "address": "127.0.0.1", "port": self.port, "user": self.user, "key": NAME}
        place = {"directory": str(site.directory / "far"), "seats": SEATS}
        pinned = [(self.directory / "host.pub").read_text().strip()]
        site.client.post("hosts", {"name": NAME, "host_keys": pinned, **address, **place})
        site.client.post("queues", {"name": NAME, "host": NAME})


@contextmanager
def running_sshd(site: Site) -> Iterator[Sshd]:
    """A server in the directory of `site`. Raises NotPossible without OpenSSH."""
    directory = site.directory / "sshd"
    directory.mkdir(mode=0o700)
    sshd = Sshd(directory)
    command = sshd.prepare()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
    try:
        until(lambda: _answers(sshd.port), seconds=START_SECONDS, what="the private sshd listens")
        yield sshd
    finally:
        for pid in reversed(family(process.pid)):
            _end(pid)
        process.wait()


def _end(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
