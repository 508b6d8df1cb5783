from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from hosts.supervisor.launching import interpreter_of
from hosts.supervisor.records import RunRequest, ScriptLike, Turn
from hosts.transports.base import ByteStream, Shell, TransportBroken
from hosts.transports.quoting import as_bytes, quoted
from hosts.transports.shell import send_all

_START_SECONDS = 15.0


class Orders:
    """A connection to the host's resident. One order at a time. What raises TransportBroken has closed it."""

    def __init__(self, stream: ByteStream, *, rest: bytes) -> None:
        self._stream = stream
        self._received = bytearray(rest)
        self._deadline = 0.0

    def fileno(self) -> int:
        return self._stream.fileno()

    def send(
        self, requests: Sequence[RunRequest], *, scripts: Mapping[str, ScriptLike], timeout_seconds: float
    ) -> None:
        """Order a launch, to be answered within `timeout_seconds`. Raises TransportBroken."""
        self._deadline = time.monotonic() + timeout_seconds
        order = json.dumps(
            {
                "scripts": {digest: script.text for digest, script in scripts.items()},
                "runs": [_told(request) for request in requests],
            }
        ).encode()
        with self._broken_if_silent():
            send_all(self._stream, b"%d\n%s" % (len(order), order), deadline=self._deadline)

    def receive(self) -> list[str] | None:
        """A line for each request, once all of the answer has come; waits for a piece of it. Raises TransportBroken."""
        with self._broken_if_silent():
            piece = self._stream.receive_some(deadline=self._deadline)
            if not piece:
                raise OSError("it ended")
        self._received += piece
        length, mark, rest = self._received.partition(b"\n")
        if not mark or len(rest) < int(length):
            return None
        self._received = rest[int(length) :]
        return rest[: int(length)].decode().splitlines()

    @contextmanager
    def _broken_if_silent(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            self._stream.close()
            raise TransportBroken(f"The host's resident does not answer: {problem!r}.") from problem

    @property
    def is_late(self) -> bool:
        """Whether the answer to what was ordered last is, or would be, too late."""
        return time.monotonic() > self._deadline


def open_orders(shell: Shell, *, directory: bytes, name: str) -> Orders | None:
    """The host's resident at the other end of `shell`, which is used up. None if it cannot be there.

    directory  as a shell reads it. Raises TransportBroken if the connection itself breaks.
    """
    token = secrets.token_hex(12)
    program = b"python3 -I -S %s %s" % (quoted(f"{name}.py"), token.encode())
    stream = shell.become(b"exec 2>/dev/null; cd -- %s && exec %s; exit" % (directory, program))
    begin = b"\n%s\n" % token.encode()
    received = b""
    deadline = time.monotonic() + _START_SECONDS
    while begin not in received:
        try:
            piece = stream.receive_some(deadline=deadline)
        except OSError:
            piece = b""
        if not piece:
            stream.close()
            return None
        received += piece
    return Orders(stream, rest=received.partition(begin)[2])


def _told(request: RunRequest) -> dict[str, object]:
    needed, command = interpreter_of(request.script)
    return {
        "name": request.name,
        "digest": request.script.digest,
        "directory": request.directory or "",
        "limit": request.time_limit_seconds,
        "grace": request.grace_seconds,
        "needed": needed,
        "command": command,
        "environment": {
            name: as_bytes(value).decode("utf-8", "surrogateescape") for name, value in request.environment.items()
        },
        **({"secrets": dict(request.secrets)} if request.secrets else {}),
        **({"turn": _turn(request.turn)} if request.turn else {}),
    }


def _turn(turn: Turn) -> dict[str, object]:
    return {"after": turn.after, "patience": round(100 * turn.patience_seconds)}
