"""One stream of one attempt on disk: a head, and a tail once it is over its limit."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Final

from jobs.execution.store.contract import Gap, OutputLost
from jobs.execution.store.descriptors import open_if_there, opened, read_at, remove, write_at
from jobs.execution.store.tail import Layout, Tail

BLOCK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StreamFiles:
    """The two files. A tail that is there decides where the head ends, whatever the limit is now."""

    head: str
    tail: str
    name: str

    def write(self, data: bytes, *, at_offset: int, half: int, slack: int) -> None:
        """Put `data` at this offset of the stream.

        A head takes `half` bytes, a new tail keeps `half` and has room for `slack` more.
        Nothing is cut off behind it: a writer who lost the attempt without knowing can then only repeat
        bytes that are there, never remove those of the new owner.
        """
        with ExitStack() as stack:
            tail = Tail.open(self.tail, os.O_RDWR, name=self.name)
            if tail is not None:
                stack.enter_context(closing(tail))
            begin = max(half, at_offset) if tail is None else tail.layout.begin
            room = max(0, begin - at_offset)
            if room:
                self._write_head(data[:room], at_offset=at_offset)
            if len(data) <= room:
                return
            if tail is None:
                tail = stack.enter_context(closing(self._new_tail(Layout(begin, half, half + slack))))
            at_offset, rest = max(at_offset, begin), memoryview(data)[room:]
            tail.check(at_offset)
            tail.write(rest, at_offset=at_offset)

    def _write_head(self, data: bytes, *, at_offset: int) -> None:
        if not at_offset:
            with opened(self.head, os.O_WRONLY | os.O_CREAT) as fd:
                write_at(fd, data, 0)
            return
        self._check_head(at_offset)
        with opened(self.head, os.O_WRONLY) as fd:
            write_at(fd, data, at_offset)

    def _new_tail(self, layout: Layout) -> Tail:
        self._check_head(layout.begin)
        return Tail.create(self.tail, layout, name=self.name)

    def _check_head(self, committed_bytes: int) -> None:
        stored_bytes = size_of(self.head)
        if stored_bytes < committed_bytes:
            raise OutputLost(self.name, committed_bytes=committed_bytes, stored_bytes=stored_bytes)

    def seal(self, size_bytes: int) -> str | None:
        """Cut off what lies beyond `size_bytes`; the sha256 of the rest in hex, None if it has a gap."""
        self._cut(size_bytes)
        with closing(StreamReader(self, size_bytes=size_bytes)) as reader:
            return None if reader.gap else reader.sha256()

    def _cut(self, size_bytes: int) -> None:
        tail = Tail.open(self.tail, os.O_RDONLY, name=self.name)
        begin = size_bytes
        if tail is not None:
            tail.close()
            begin = tail.layout.begin
        if size_bytes <= begin:
            remove(self.tail)
        if not size_bytes:
            remove(self.head)
        elif size_of(self.head) > min(size_bytes, begin):
            os.truncate(self.head, min(size_bytes, begin))


class StreamReader:
    """The first `size_bytes` of a stream, open for reading until `close`."""

    def __init__(self, files: StreamFiles, *, size_bytes: int) -> None:
        self.files = files
        self.size_bytes = size_bytes
        self._head: int | None = None
        self._tail = Tail.open(files.tail, os.O_RDONLY, name=files.name) if size_bytes else None
        self.gap: Gap | None = None if self._tail is None else self._tail.layout.dropped(size_bytes)

    def close(self) -> None:
        if self._head is not None:
            os.close(self._head)
        if self._tail is not None:
            self._tail.close()

    def read(self, start: int, end: int, *, limit_bytes: int) -> tuple[int, bytes]:
        """(first, data): what is kept of [start, end), at most `limit_bytes`, from its first kept byte on.

        It stops where dropped bytes begin. `first` is `end` if nothing is kept.
        """
        gap_start, gap_end = self.gap or (end, end)
        if start >= gap_start:
            start = min(max(start, gap_end), end)
        else:
            end = min(end, gap_start)
        return self._kept(start, min(end, start + limit_bytes))

    def sha256(self) -> str:
        """Of a stream without a gap, in hex."""
        digest = hashlib.sha256()
        offset = 0
        while offset < self.size_bytes:
            first, block = self.read(offset, self.size_bytes, limit_bytes=BLOCK_BYTES)
            if first != offset:
                raise OutputLost(self.files.name, committed_bytes=self.size_bytes, stored_bytes=offset)
            digest.update(block)
            offset += len(block)
        return digest.hexdigest()

    def _kept(self, start: int, end: int) -> tuple[int, bytes]:
        begin = self.size_bytes if self._tail is None else self._tail.layout.begin
        head = self._from_head(start, min(end, begin)) if start < begin else b""
        if self._tail is None or end <= begin:
            return start, head
        first, data = self._tail.read(max(start, begin), end)
        if not head:
            return first, data
        return start, head + data if first == begin else head

    def _from_head(self, start: int, end: int) -> bytes:
        if self._head is None:
            self._head = open_if_there(self.files.head, os.O_RDONLY)
        data = b"" if self._head is None else read_at(self._head, end - start, start)
        if len(data) < end - start:
            stored_bytes = size_of(self.files.head)
            raise OutputLost(self.files.name, committed_bytes=self.size_bytes, stored_bytes=stored_bytes)
        return data


def size_of(path: str) -> int:
    """Bytes in the file; 0 if there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
