"""A private SSH server on this machine: loopback only, one account, one key, and never for longer than a day."""

from __future__ import annotations

import os
import pwd
import select
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from jobs.config.demo import programs

PROGRAM: Final = "sshd"
PACKAGE: Final = "openssh-server"
ADDRESS: Final = "127.0.0.1"
LIFE: Final = timedelta(hours=24)
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.05
BECOME: Final = 'echo $$ > "$1.new" && mv "$1.new" "$1" && shift && exec "$@"'
PRIVILEGE_SEPARATION: Final = Path("/run/sshd")


class CannotServe(Exception):
    """The server does not run; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs. It ends by itself at `until`."""

    port: int
    pid: int
    until: datetime
    user: str
    host_key: str


def start(directory: Path, *, client_key: Path, at: datetime) -> Server:
    """Serve, for a day from now; connections to a server of an earlier time stay. Raises CannotServe.

    directory   has the server's own files; it is made for this account alone
    client_key  where the private key that may log in is, or will be
    """
    path = programs.path_of(PROGRAM)
    if path is None:
        raise CannotServe(f"{PROGRAM} is not installed.")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    client_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_key(client_key)
    make_key(directory / "host_key")
    # `restrict`: no forwarding of anything, no terminal.
    (directory / "authorized_keys").write_text("restrict " + Path(f"{client_key}.pub").read_text())
    _end(directory)
    port = _port(directory)
    _config(directory).write_text("\n".join(_lines(directory, port=port)) + "\n")
    (directory / "pid").unlink(missing_ok=True)
    _launch(path, directory=directory)
    pid = _wait(directory, port=port)
    return Server(port, pid, at + LIFE, account(), Path(f"{directory / 'host_key'}.pub").read_text())


def stop(directory: Path) -> bool:
    """End the server and its connections. False if none runs."""
    pid = running(directory)
    connections = [session for listener in _children(pid) for session in _children(listener)] if pid else []
    is_ended = _end(directory)
    for connection in connections:
        with suppress(ProcessLookupError):
            os.kill(connection, signal.SIGTERM)
    return is_ended


def running(directory: Path) -> int | None:
    """The process that keeps the server; None if it has ended. A pid that is in use again is recognised."""
    try:
        pid = int((directory / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(_config(directory)) in command.split(b"\0") else None


def make_key(path: Path) -> None:
    """A key pair in `path` and `path`.pub, unless there is one."""
    if not path.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "batchyard-demo", "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def account() -> str:
    """Whose process this is, whatever the environment says."""
    return pwd.getpwuid(os.getuid()).pw_name


def _config(directory: Path) -> Path:
    return directory / "sshd_config"


def _lines(directory: Path, *, port: int) -> Sequence[str]:
    keys = str(directory / "authorized_keys").replace("%", "%%")
    return (
        f"Port {port}",
        f"ListenAddress {ADDRESS}",
        f'HostKey "{directory / "host_key"}"',
        f'AuthorizedKeysFile "{keys}"',
        f"AllowUsers {account()}",
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "DisableForwarding yes",
        "PermitTTY no",
        "PermitUserRC no",
        "LoginGraceTime 20",
        # PAM needs root. The directory is private already; a checkout that a group may write to is common.
        "UsePAM no",
        "StrictModes no",
        "PidFile none",
        "Subsystem sftp internal-sftp",
    )


def _port(directory: Path) -> int:
    """The port of the last time if it is free, else another that is."""
    config = _config(directory)
    before = config.read_text().split()[1] if config.is_file() else "0"
    for wanted in (int(before), 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((ADDRESS, wanted))
            return int(probe.getsockname()[1])
    raise CannotServe(f"{ADDRESS} has no free port.")


def _launch(path: str, *, directory: Path) -> None:
    """The server beneath `timeout`, which ends it after a day even if everything else here is gone."""
    if os.getuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    server = ["timeout", str(int(LIFE.total_seconds())), path, "-D", "-e", "-f", str(_config(directory))]
    with (directory / "log").open("wb") as log:
        # Forked away, so that it is nobody's child here. Its pid appears whole, and before it is the server.
        subprocess.run(
            ["setsid", "--fork", "sh", "-c", BECOME, "sh", directory / "pid", *server],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True,
        )  # fmt: skip


def _wait(directory: Path, *, port: int) -> int:
    """Its pid, once it takes connections. Raises CannotServe if it ends, or does not in time."""
    deadline = time.monotonic() + START_SECONDS
    looks_gone = 0
    while not _answers(port):
        # Not at the first look: a process that is becoming another one has no command line for a moment.
        looks_gone = looks_gone + 1 if (directory / "pid").exists() and running(directory) is None else 0
        if looks_gone > 1 or time.monotonic() > deadline:
            _end(directory)
            raise CannotServe(f"{PROGRAM} does not serve: {last_line(directory)}")
        time.sleep(LOOK_SECONDS)
    pid = running(directory)
    if pid is None:
        raise CannotServe(f"Another program answers on port {port}.")
    return pid


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((ADDRESS, port), timeout=1) as connection:
        return connection.recv(4) == b"SSH-"
    return False


def last_line(directory: Path) -> str:
    """What the server said last."""
    lines = (directory / "log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."


def _end(directory: Path) -> bool:
    """End the listening server, not its connections. False if none runs. Raises CannotServe if it does not end."""
    pid = running(directory)
    if pid is None:
        return False
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        signal.pidfd_send_signal(watch, signal.SIGTERM)
        if not select.select([watch], [], [], STOP_SECONDS)[0]:
            raise CannotServe(f"Process {pid}, which keeps {PROGRAM}, does not end.")
    finally:
        os.close(watch)
    (directory / "pid").unlink(missing_ok=True)
    return True


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
