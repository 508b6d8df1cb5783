"""The end of a stream that is over its limit: a ring file that keeps the last bytes only.

The file says itself where it begins and how much it keeps, so a limit that changes later reads it right.
Its ring is longer than what it keeps by one append: bytes that are not committed never lie over kept ones.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jobs.execution.store.contract import Gap, OutputLost, StaleAppend
from jobs.execution.store.descriptors import open_if_there, read_at, write_at

MAGIC: Final = b"BYtail1\n"
HEADER: Final = struct.Struct("<8sQQQQ")
HIGH: Final = struct.Struct("<Q")
HIGH_AT: Final = HEADER.size - HIGH.size


def dropped(size_bytes: int, *, limit_bytes: int) -> Gap | None:
    """The range [start, end) of a stream of this size that a store with this limit does not keep."""
    half = limit_bytes // 2
    return Layout(half, half, half).dropped(size_bytes)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which bytes of a stream its tail holds, and where.

    begin     stream offset of its first byte; all before it is in the head
    half      how many of the last bytes are kept
    capacity  length of the ring in bytes
    """

    begin: int
    half: int
    capacity: int

    @property
    def slack(self) -> int:
        """How many bytes an append may bring."""
        return self.capacity - self.half

    def dropped(self, size_bytes: int) -> Gap | None:
        end = size_bytes - self.half
        return (self.begin, end) if end > self.begin else None

    def places(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """(position in the file, bytes) that hold [start, end) of the stream, in order."""
        while start < end:
            turned = (start - self.begin) % self.capacity
            size_bytes = min(end - start, self.capacity - turned)
            yield HEADER.size + turned, size_bytes
            start += size_bytes


class Tail:
    """An open tail. `name` says whose it is, for people."""

    def __init__(self, fd: int, layout: Layout, *, name: str) -> None:
        self.fd = fd
        self.layout = layout
        self.name = name

    @classmethod
    def open(cls, path: str, flags: int, *, name: str) -> Tail | None:
        """None if there is none, or its making was cut off before it could hold a byte."""
        fd = open_if_there(path, flags)
        if fd is None:
            return None
        layout = layout_in(fd)
        if layout is None:
            os.close(fd)
            return None
        return cls(fd, layout, name=name)

    @classmethod
    def create(cls, path: str, layout: Layout, *, name: str) -> Tail:
        """Raises StaleAppend if another writer has made one since this writer looked."""
        tail = cls(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), layout, name=name)
        try:
            if layout_in(tail.fd) is not None:
                raise StaleAppend(name, at_offset=layout.begin, stored_bytes=tail.high())
            header = HEADER.pack(MAGIC, layout.begin, layout.half, layout.capacity, layout.begin)
            write_at(tail.fd, header, 0)
        except BaseException:
            tail.close()
            raise
        return tail

    def close(self) -> None:
        os.close(self.fd)

    def high(self) -> int:
        """The stream offset up to which bytes may have been written, committed or not."""
        return int(HIGH.unpack(read_at(self.fd, HIGH.size, HIGH_AT))[0])

    def check(self, at_offset: int) -> None:
        """Raises StaleAppend or OutputLost if no writer who owns the stream can be at this offset."""
        high = self.high()
        if high > at_offset + self.layout.slack:
            raise StaleAppend(self.name, at_offset=at_offset, stored_bytes=high)
        if high < at_offset:
            raise OutputLost(self.name, committed_bytes=at_offset, stored_bytes=high)

    def write(self, data: memoryview, *, at_offset: int) -> None:
        """Raises ValueError over the slack that this tail was made with."""
        if len(data) > self.layout.slack:
            raise ValueError(f"{self.name} takes at most {self.layout.slack} bytes at once, not {len(data)}.")
        # The mark goes first: a reader who looks at it after its read then knows which bytes
        # may have been written over meanwhile.
        end = max(self.high(), at_offset + len(data))
        write_at(self.fd, HIGH.pack(end), HIGH_AT)
        for position, size_bytes in self.layout.places(at_offset, at_offset + len(data)):
            write_at(self.fd, data[:size_bytes], position)
            data = data[size_bytes:]

    def read(self, start: int, end: int) -> tuple[int, bytes]:
        """(first, data): [first, end) of the stream. `first` is later than `start` only where a writer
        wrote over the beginning during the read."""
        data = b"".join(read_at(self.fd, size, position) for position, size in self.layout.places(start, end))
        if len(data) < end - start:
            raise OutputLost(self.name, committed_bytes=end, stored_bytes=start + len(data))
        first = min(max(start, self.high() - self.layout.capacity), end)
        return first, data[first - start :]


def layout_in(fd: int) -> Layout | None:
    """What the file says of itself. None: its making was cut off before it could hold a byte."""
    header = read_at(fd, HEADER.size, 0)
    if len(header) < HEADER.size or not header.startswith(MAGIC):
        return None
    _, begin, half, capacity, _ = HEADER.unpack(header)
    return Layout(begin, half, capacity)
