"""A name server for the lab's hosts, which can be slow, silent or wrong."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path
from typing import Final

from tests.lab.host import run

ZONE: Final = "lab.test"
A_RECORD: Final = 1
ANSWER_BITS: Final = 0x8180
LIVES_SECONDS: Final = 0


class Names:
    """Answers on 127.0.0.1:53. `delay_seconds` before each answer, none while `is_silent`."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self.addresses = addresses
        self.delay_seconds = 0.0
        self.is_silent = False
        self._pause = threading.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def start(self, directory: Path) -> None:
        """Serve, and let every process in these namespaces ask here."""
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, name="names", daemon=True).start()
        told = directory / "resolv.conf"
        told.write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
        run("mount", "--bind", told, Path("/etc/resolv.conf").resolve())

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(512)
            threading.Thread(target=self._answer, args=(question, client), daemon=True).start()

    def _answer(self, question: bytes, client: tuple[str, int]) -> None:
        self._pause.wait(self.delay_seconds)
        if not self.is_silent:
            self._socket.sendto(answer_to(question, self.addresses), client)


def answer_to(question: bytes, addresses: dict[str, str]) -> bytes:
    """The packet that answers a question: one address, none for other kinds, or that there is no such name."""
    number = question[:2]
    name, end = _name(question)
    kind = struct.unpack(">H", question[end : end + 2])[0]
    asked = question[12 : end + 4]
    address = addresses.get(name)
    has_answer = address is not None and kind == A_RECORD
    bits = ANSWER_BITS | (0 if address else 3)
    head = number + struct.pack(">HHHHH", bits, 1, int(has_answer), 0, 0)
    if not has_answer or address is None:
        return head + asked
    record = struct.pack(">HHHIH", 0xC00C, A_RECORD, 1, LIVES_SECONDS, 4)
    return head + asked + record + socket.inet_aton(address)


def _name(question: bytes) -> tuple[str, int]:
    """The name in a question, and where it ends."""
    labels, place = [], 12
    while length := question[place]:
        labels.append(question[place + 1 : place + 1 + length].decode("ascii", "replace"))
        place += 1 + length
    return ".".join(labels).lower(), place + 1
