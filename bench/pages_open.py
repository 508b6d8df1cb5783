"""Pages that are open in browsers, as far as the server notices: each holds a stream, lists ask again when told."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from typing import Final

from bench.client import TIMEOUT_SECONDS
from bench.processes import until
from bench.rows import NotMeasured

LOOK_SECONDS: Final = 0.2
OPEN_SECONDS: Final = 60.0
PIECE_BYTES: Final = 1 << 16


@dataclass(slots=True)
class OpenPages:
    """Counts what has come. One thread reads all streams; another asks for the lists that were told to renew."""

    port: int
    cookie: str
    streams: dict[socket.socket, bool] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)
    bytes_read: int = 0
    lists_renewed: int = 0
    lost: int = 0
    _told: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _is_over: threading.Event = field(default_factory=threading.Event)

    def open(self, address: str, *, is_list: bool) -> None:
        """One more page that listens to the stream at `address`."""
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS)
        head = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: {self.cookie}\r\n\r\n"
        stream.sendall(head.encode())
        self.streams[stream] = is_list

    def read(self) -> None:
        """Until it is over, whatever comes."""
        with DefaultSelector() as selector:
            for stream in self.streams:
                selector.register(stream, EVENT_READ)
            while not self._is_over.is_set():
                for key, _events in selector.select(LOOK_SECONDS):
                    assert isinstance(key.fileobj, socket.socket)  # noqa: S101  (registered above)
                    if not self._hear(key.fileobj):
                        selector.unregister(key.fileobj)

    def _hear(self, stream: socket.socket) -> bool:
        data = stream.recv(PIECE_BYTES)
        self.bytes_read += len(data)
        if stream.fileno() not in self.heard and not data.startswith(b"HTTP/1.1 200"):
            self.lost += 1
        self.heard.add(stream.fileno())
        if not data:
            self.lost += 1
        if self.streams[stream] and b"event: changed" in data:
            self._told.release()
        return bool(data)

    def renew(self) -> None:
        """Until it is over, the list for each time that one was told."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        while not self._is_over.is_set():
            if self._told.acquire(timeout=LOOK_SECONDS):
                self._ask_for_list(connection)
                self.lists_renewed += 1
        connection.close()

    def _ask_for_list(self, connection: http.client.HTTPConnection) -> None:
        try:
            self._ask_once(connection)
        except ConnectionError:
            # The server ends a connection that has been quiet for 5 s; a browser opens another.
            connection.close()
            self._ask_once(connection)

    def _ask_once(self, connection: http.client.HTTPConnection) -> None:
        connection.request("GET", "/jobs/?seen=0", headers={"Cookie": self.cookie})
        connection.getresponse().read()

    def end(self) -> None:
        self._is_over.set()


@contextmanager
def open_pages(port: int, *, cookie: str, jobs: Sequence[str], lists: Sequence[str]) -> Iterator[OpenPages]:
    """Pages that listen at these addresses for as long as this lasts. Raises NotMeasured if one hears nothing."""
    pages = OpenPages(port, cookie)
    for address in jobs:
        pages.open(address, is_list=False)
    for address in lists:
        pages.open(address, is_list=True)
    threads = [threading.Thread(target=work) for work in (pages.read, pages.renew)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(pages.heard) == len(pages.streams), seconds=OPEN_SECONDS, what="every page hears its stream")
        yield pages
        if not all(thread.is_alive() for thread in threads):
            raise NotMeasured("What reads the open pages has ended before its time.")
    finally:
        pages.end()
        for thread in threads:
            thread.join()
        for stream in pages.streams:
            stream.close()
