"""Who asks for runs: one connection, its orders and answers."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from hosts.supervisor.resident.places import as_bytes

PIECE_BYTES = 1 << 16


class Refused(Exception):
    """The command cannot be started; the text says why."""


class Client:
    """One connection: a log-in's input and output, its environment and its umask."""

    def __init__(self, line: socket.socket, ends: Sequence[int]) -> None:
        self._line = line
        self.source, self._sink, settings = ends
        with open(settings, "rb") as file:
            file.seek(0)
            told = json.load(file)
        self.umask: int = told["umask"]
        self.environment = {as_bytes(name): as_bytes(value) for name, value in told["environment"].items()}
        self._programs: dict[tuple[str, bytes], str] = {}
        self._received = bytearray()
        os.set_blocking(self.source, False)
        os.set_blocking(self._sink, False)

    def orders(self) -> Iterator[dict[str, Any]]:
        """The orders that have come whole. Raises EOFError at the end of the connection."""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.source, PIECE_BYTES):
                self._received += piece
            raise EOFError
        while (head := self._received.find(b"\n")) >= 0:
            end = head + 1 + int(self._received[:head])
            if len(self._received) < end:
                return
            order = json.loads(self._received[head + 1 : end])
            del self._received[:end]
            yield order

    def answer(self, text: str) -> None:
        """Raises OSError if nobody reads: an answer is far smaller than what a pipe holds, and nobody waits here."""
        data = text.encode()
        framed = b"%d\n%s" % (len(data), data)
        if os.write(self._sink, framed) != len(framed):
            raise BlockingIOError

    def program(self, name: str, *, path: bytes) -> str:
        """Where a program is. Raises Refused."""
        if (name, path) not in self._programs:
            parts = os.fsdecode(path).split(":")
            places = [name] if "/" in name else [f"{part or '.'}/{name}" for part in parts]
            found = next((place for place in places if os.path.isfile(place) and os.access(place, os.X_OK)), None)
            if found is None:
                raise Refused(f'"{name}" is not there or may not be executed.')
            self._programs[name, path] = found
        return self._programs[name, path]

    def close(self) -> None:
        os.close(self.source)
        os.close(self._sink)
        self._line.close()
