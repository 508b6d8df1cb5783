from __future__ import annotations

import os
import re
import select
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from hosts.transports.base import Follower, HostUnreachable, Shell, TransportBroken
from hosts.transports.files import part_of
from hosts.transports.quoting import quoted
from hosts.transports.shell import MarkedShell

# What a run may see of our own environment; the rest holds our settings and secrets.
_PASSED_ON = re.compile(r"(PATH|HOME|USER|LOGNAME|LANG|TZ|LC_[A-Z]+)\Z")
_PIECE_BYTES = 65536


def clean_environment() -> dict[str, str]:
    """The environment for programs on this machine: as a log-in has it, and nothing of ours."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(Path.home()),
        **{name: value for name, value in os.environ.items() if _PASSED_ON.match(name)},
        "SHELL": "/bin/sh",
    }


def _inherited() -> list[int]:
    """What whoever started us left open for our children too."""
    return [number for number in map(int, os.listdir("/proc/self/fd")) if number > 2 and _is_inherited(number)]


def _is_inherited(descriptor: int) -> bool:
    try:
        return os.get_inheritable(descriptor)
    except OSError:
        # The listing's own, closed by now.
        return False


class _Program:
    """A program of its own session, with pipes to its input and output that never block."""

    def __init__(self, command: Sequence[str]) -> None:
        their_input, self._input = os.pipe()
        self._output, their_output = os.pipe()
        try:
            # Not subprocess: with it the runs would ignore every signal that our own process ignores.
            self._pid: int | None = os.posix_spawnp(
                command[0],
                list(command),
                clean_environment(),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, their_input, 0),
                    (os.POSIX_SPAWN_DUP2, their_output, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                    *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inherited()),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
            )
        except OSError:
            os.close(self._input)
            os.close(self._output)
            raise
        finally:
            os.close(their_input)
            os.close(their_output)
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)

    def fileno(self) -> int:
        return self._output

    def send_some(self, data: memoryview, *, deadline: float) -> int:
        _wait_until(self._input, select.POLLOUT, deadline=deadline)
        return os.write(self._input, data)

    def receive_some(self, *, deadline: float) -> bytes:
        _wait_until(self._output, select.POLLIN, deadline=deadline)
        return os.read(self._output, _PIECE_BYTES)

    def receive_now(self) -> bytes | None:
        """What has come. None if nothing has; b"" at the end."""
        try:
            return os.read(self._output, _PIECE_BYTES)
        except BlockingIOError:
            return None

    def close(self) -> None:
        if self._pid is None:
            return
        os.close(self._input)
        os.close(self._output)
        # Only this one process: what it started in its session are the runs, or on their way to become them.
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._pid = None


def _wait_until(descriptor: int, event: int, *, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    wait_seconds = deadline - time.monotonic()
    if wait_seconds <= 0 or not poll.poll(wait_seconds * 1000):
        raise TimeoutError


class _LocalFollower:
    def __init__(self, path: Path, *, offset: int) -> None:
        self._program = _Program(["tail", "-c", f"+{offset + 1}", "-f", str(path)])
        self._is_open = True

    @property
    def is_open(self) -> bool:
        return self._is_open

    def fileno(self) -> int:
        return self._program.fileno()

    def read(self) -> bytes:
        data = self._program.receive_now() if self._is_open else b""
        if data == b"":
            self.close()
        return data or b""

    def close(self) -> None:
        self._is_open = False
        self._program.close()


class LocalTransport:
    """This machine. `directory` is where relative paths and shells begin; `shell` the command for `sh`."""

    def __init__(self, directory: Path, *, shell: Sequence[str] = ("sh",)) -> None:
        self._directory = directory
        self._command = tuple(shell)
        self._open: list[MarkedShell | _LocalFollower] = []
        self._is_open = True

    @property
    def is_open(self) -> bool:
        return self._is_open

    def open_shell(self, *, timeout_seconds: float) -> Shell:
        self._check_open()
        try:
            shell = MarkedShell(_Program(self._command), host="This machine")
        except OSError as problem:
            raise HostUnreachable(f'The shell "{self._command[0]}" cannot be started: {problem}.') from problem
        self._remember(shell)
        shell.ask(b"cd -- " + quoted(str(self._directory)), timeout_seconds=timeout_seconds)
        return shell

    def follow(self, path: str, *, offset: int) -> Follower:
        self._check_open()
        follower = _LocalFollower(self._directory / path, offset=offset)
        self._remember(follower)
        return follower

    def _remember(self, opened: MarkedShell | _LocalFollower) -> None:
        self._open = [each for each in self._open if each.is_open] + [opened]

    def read(self, path: str, *, offset: int, limit_bytes: int) -> bytes:
        self._check_open()
        with (self._directory / path).open("rb", buffering=0) as file:
            return os.pread(file.fileno(), limit_bytes, offset)

    def size(self, path: str) -> int:
        self._check_open()
        return (self._directory / path).stat().st_size

    def upload(self, local: Path, *, remote: str) -> None:
        self._check_open()
        _copy(local, to=self._directory / remote)

    def download(self, remote: str, *, local: Path) -> None:
        self._check_open()
        _copy(self._directory / remote, to=local)

    def _check_open(self) -> None:
        if not self._is_open:
            raise TransportBroken("The transport to this machine is closed.")

    def close(self) -> None:
        self._is_open = False
        for opened in self._open:
            opened.close()
        self._open = []


def _copy(source: Path, *, to: Path) -> None:
    part = part_of(to)
    try:
        shutil.copyfile(source, part)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
