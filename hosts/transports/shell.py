from __future__ import annotations

import secrets
import time

from hosts.transports.base import Answer, ByteStream, TransportBroken

_BECOME_SECONDS = 10.0


class MarkedShell:
    """A shell on a byte stream, whose answers stand between two lines that nobody can guess.

    A login may print noise, at once or later: what stands before the first line is passed over.
    """

    def __init__(self, stream: ByteStream, *, host: str) -> None:
        self._stream = stream
        self._host = host
        self._is_open = True

    @property
    def is_open(self) -> bool:
        return self._is_open

    def ask(self, text: bytes, *, timeout_seconds: float) -> Answer:
        if not self._is_open:
            raise TransportBroken(f"The shell on {self._host} is closed.")
        deadline = time.monotonic() + timeout_seconds
        token = secrets.token_hex(12).encode()
        try:
            send_all(
                self._stream,
                b"printf '\\n%%s\\n' %(token)s-begin\n%(text)s\nprintf '\\n%%s %%s\\n' %(token)s-end \"$?\"\n"
                % {b"token": token, b"text": text},
                deadline=deadline,
            )
            return self._receive(token, deadline=deadline)
        except TimeoutError as problem:
            self.close()
            raise TransportBroken(f"{self._host} did not answer within {timeout_seconds:g} s.") from problem
        except OSError as problem:
            self.close()
            raise TransportBroken(f"The shell on {self._host} broke: {problem}.") from problem

    def become(self, text: bytes) -> ByteStream:
        deadline = time.monotonic() + _BECOME_SECONDS
        try:
            send_all(self._stream, text + b"\n", deadline=deadline)
        except OSError as problem:
            self.close()
            raise TransportBroken(f"The shell on {self._host} broke: {problem}.") from problem
        return self._stream

    def _receive(self, token: bytes, *, deadline: float) -> Answer:
        begin, end = b"\n%s-begin\n" % token, b"\n%s-end " % token
        received = bytearray()
        searched = 0
        while True:
            # The token of the end is looked for once in every byte, however many pieces they come in.
            found = received.find(end, searched)
            if found >= 0 and (line_end := received.find(b"\n", found + len(end))) >= 0:
                start = received.index(begin) + len(begin)
                status = int(received[found + len(end) : line_end])
                return Answer(status=status, output=bytes(received[start:found]))
            searched = max(0, found if found >= 0 else len(received) - len(end))
            piece = self._stream.receive_some(deadline=deadline)
            if not piece:
                raise OSError("it ended")
            received += piece

    def close(self) -> None:
        self._is_open = False
        self._stream.close()


def send_all(stream: ByteStream, data: bytes, *, deadline: float) -> None:
    """Raises OSError, TimeoutError."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.send_some(rest, deadline=deadline) :]
