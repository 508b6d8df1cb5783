"""The order in which bytes of stdout and stderr arrived, kept only where it is not "stdout, then stderr".

A record is the sizes of both streams after a run of stdout bytes and a run of stderr bytes behind it. What
the last record does not cover is one more such pair; so no file at all is one pair, and never a question
of bytes: an index that is lost or behind changes the order shown, nothing else.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from jobs.execution.store.contract import STREAMS, Sizes, StaleAppend, Stream
from jobs.execution.store.descriptors import open_if_there, opened, read_at, write_at

RECORD: Final = struct.Struct("<QQ")
RECORDS_PER_BLOCK: Final = 4096
NEVER_COMMITTED: Final = Sizes(2**62, 2**62)


class Run(NamedTuple):
    """Bytes [start, end) of one stream that follow each other in order of arrival."""

    stream: Stream
    start: int
    end: int


class Index:
    """An open index; `fd` stays the caller's."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.count = os.fstat(fd).st_size // RECORD.size

    def record(self, number: int) -> Sizes:
        """The sizes at the end of a record; none before the first."""
        if number < 0:
            return Sizes()
        block = read_at(self.fd, RECORD.size, number * RECORD.size)
        # Cut off by a writer since this index was opened: so it was beyond all that is committed.
        return Sizes(*RECORD.unpack(block)) if len(block) == RECORD.size else NEVER_COMMITTED

    def records(self, number: int) -> Iterator[Sizes]:
        """All from this one on, never many in memory."""
        while block := read_at(self.fd, RECORDS_PER_BLOCK * RECORD.size, number * RECORD.size):
            whole = len(block) // RECORD.size
            yield from (Sizes(*pair) for pair in RECORD.iter_unpack(block[: whole * RECORD.size]))
            if whole < RECORDS_PER_BLOCK:
                return
            number += whole

    def beyond(self, sizes: Sizes) -> int:
        """The number of the first record with bytes that are not in `sizes`."""
        return bisect_left(range(self.count), True, key=lambda number: self._is_beyond(number, sizes))

    def _is_beyond(self, number: int, sizes: Sizes) -> bool:
        record = self.record(number)
        return record.stdout > sizes.stdout or record.stderr > sizes.stderr

    def after(self, offset: int) -> int:
        """The number of the first record that ends after this many bytes of both."""
        return bisect_right(range(self.count), offset, key=lambda number: sum(self.record(number)))

    def replace(self, number: int, records: Sequence[Sizes]) -> None:
        """These records instead of all from `number` on."""
        block = b"".join(RECORD.pack(*record) for record in records)
        write_at(self.fd, block, number * RECORD.size)
        if self.count > number + len(records):
            os.ftruncate(self.fd, (number + len(records)) * RECORD.size)


def note(path: str, pieces: Iterable[tuple[Stream, int]], *, sizes: Sizes, slack: int, name: str) -> None:
    """Add the order of `pieces` (stream, bytes) behind the committed `sizes`; cut what lies beyond these.

    Raises StaleAppend if it is more than `slack` bytes ahead: no owner of the attempt can find it so.
    """
    ends = list(after_each(pieces, sizes=sizes))
    fd = open_if_there(path, os.O_RDWR)
    if fd is None:
        records = merged(ends, after=Sizes())
        if len(records) > 1:
            with opened(path, os.O_RDWR | os.O_CREAT) as made:
                Index(made).replace(0, records)
        return
    try:
        index = Index(fd)
        high = sum(index.record(index.count - 1))
        if high > sum(sizes) + slack:
            raise StaleAppend(name, at_offset=sum(sizes), stored_bytes=high)
        _continue(index, ends, sizes=sizes)
    finally:
        os.close(fd)


def _continue(index: Index, ends: list[Sizes], *, sizes: Sizes) -> None:
    beyond = index.beyond(sizes)
    first = max(0, beyond - 1)
    # The last record is written again: it may grow.
    known = [index.record(number) for number in range(first, beyond)]
    index.replace(first, merged([*known, *ends], after=index.record(first - 1)))


def after_each(pieces: Iterable[tuple[Stream, int]], *, sizes: Sizes) -> Iterator[Sizes]:
    """`sizes`, then the sizes after each piece."""
    yield sizes
    for stream, size_bytes in pieces:
        sizes = sizes.grown(stream, size_bytes)
        yield sizes


def merged(ends: Iterable[Sizes], *, after: Sizes) -> list[Sizes]:
    """The same order in as few records as it takes."""
    records: list[Sizes] = []
    begin = last = after
    for end in ends:
        if last.stderr > begin.stderr and end.stdout > last.stdout:
            begin = last
        elif records:
            records.pop()
        records.append(end)
        last = end
    return records


def runs(path: str, *, sizes: Sizes, offset: int) -> Iterator[Run]:
    """What follows the first `offset` bytes of both, in order of arrival, up to the committed `sizes`."""
    fd = open_if_there(path, os.O_RDONLY) if all(sizes) else None
    if fd is None:
        yield from skipping(pairs([sizes], after=Sizes()), offset)
        return
    try:
        index = Index(fd)
        first = index.after(offset)
        begin = within(index.record(first - 1), sizes)
        ends = (within(record, sizes) for record in index.records(first))
        yield from skipping(pairs(chain(ends, [sizes]), after=begin), offset - sum(begin))
    finally:
        os.close(fd)


def pairs(ends: Iterable[Sizes], *, after: Sizes) -> Iterator[Run]:
    """The runs between sizes that follow each other: stdout, then stderr."""
    begin = after
    for record in ends:
        end = Sizes(max(begin.stdout, record.stdout), max(begin.stderr, record.stderr))
        for stream in STREAMS:
            if end.of(stream) > begin.of(stream):
                yield Run(stream, begin.of(stream), end.of(stream))
        begin = end


def skipping(following: Iterable[Run], size_bytes: int) -> Iterator[Run]:
    """The runs without their first `size_bytes`."""
    for run in following:
        skipped = min(size_bytes, run.end - run.start)
        size_bytes -= skipped
        if run.start + skipped < run.end:
            yield run._replace(start=run.start + skipped)


def within(record: Sizes, sizes: Sizes) -> Sizes:
    return Sizes(min(record.stdout, sizes.stdout), min(record.stderr, sizes.stderr))
