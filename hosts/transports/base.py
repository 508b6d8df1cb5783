from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class HostUnreachable(Exception):
    """The host cannot be reached now: no connection, no answer in time, no log-in. It may be later."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HostKeyRefused(HostUnreachable):
    """The host offers a key that nobody has accepted. Nothing was sent. Fingerprints are `SHA256:...`."""

    def __init__(self, host: str, *, expected: tuple[str, ...], offered: str) -> None:
        wanted = " or ".join(expected) if expected else "none accepted yet"
        super().__init__(f'Host "{host}" offers the key {offered}; expected: {wanted}.')
        self.expected = expected
        self.offered = offered


class TransportBroken(HostUnreachable):
    """An open connection ended or missed a deadline. What was asked may be done: connect anew and look."""


class HostUnsuitable(Exception):
    """The host answers and lacks what is needed. Trying again does not help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The exit status of a request to a shell, and what it printed."""

    status: int
    output: bytes


class Shell(Protocol):
    """A plain `sh` that is kept open. One caller at a time."""

    @property
    def is_open(self) -> bool: ...

    def ask(self, text: bytes, *, timeout_seconds: float) -> Answer:
        """The answer to the commands in `text`.

        Raises TransportBroken when the shell ends or has not answered in time; it is closed then, as
        what comes late could be taken for the answer to the next question.
        """

    def become(self, text: bytes) -> ByteStream:
        """The ends of the program that the shell is from now on: `text` has to end in `exec`. Nobody asks it any more.

        Raises TransportBroken.
        """

    def close(self) -> None: ...


class ByteStream(Protocol):
    """Both ends of a program on the host. Both calls may raise OSError; deadlines are of time.monotonic()."""

    def fileno(self) -> int:
        """A descriptor that polls readable when `receive_some` need not wait."""

    def send_some(self, data: memoryview, *, deadline: float) -> int:
        """How much of `data` was taken. Raises TimeoutError at the deadline."""

    def receive_some(self, *, deadline: float) -> bytes:
        """What has come, at least a byte. b"" at the end. Raises TimeoutError at the deadline."""

    def close(self) -> None: ...


class Follower(Protocol):
    """The bytes appended to a file, as they come."""

    @property
    def is_open(self) -> bool: ...

    def fileno(self) -> int:
        """A descriptor that polls readable when `read` has something to say."""

    def read(self) -> bytes:
        """What has come; never waits. b"": nothing now, or, if `is_open` is False, the end."""

    def close(self) -> None: ...


class Transport(Protocol):
    """A connection to a host: shells, followed files, bytes.

    Paths are absolute, or relative to where the transport begins. Every method may raise HostUnreachable,
    those on files FileNotFoundError and PermissionError.
    """

    @property
    def is_open(self) -> bool: ...

    def open_shell(self, *, timeout_seconds: float) -> Shell: ...

    def follow(self, path: str, *, offset: int) -> Follower: ...

    def read(self, path: str, *, offset: int, limit_bytes: int) -> bytes:
        """At most `limit_bytes` from `offset`. b"" at the end."""

    def size(self, path: str) -> int: ...

    def upload(self, local: Path, *, remote: str) -> None:
        """`remote` becomes a copy of `local`, at once and wholly."""

    def download(self, remote: str, *, local: Path) -> None:
        """`local` becomes a copy of `remote`, at once and wholly."""

    def close(self) -> None: ...
