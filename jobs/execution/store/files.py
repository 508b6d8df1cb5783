"""The output store that is a directory of files, on this machine or shared by several."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from jobs.execution.store.contract import (
    APPEND_LIMIT_BYTES,
    STREAMS,
    Chunk,
    Gap,
    Sizes,
    Stream,
    View,
)
from jobs.execution.store.descriptors import open_if_there, remove, telling_full
from jobs.execution.store.interleave import Run, note, runs
from jobs.execution.store.streams import StreamFiles, StreamReader

DEFAULT_LIMIT_BYTES: Final = 4 * 1024**3
ATTEMPTS_PER_DIRECTORY: Final = 1000
NUMBERS: Final = range(5)


class FileStore:
    """Output under `root`, at most `limit_bytes` of each stream: over it, its first and last halves.

    Of attempt 12345 there are `12/12345.1` and `.2` (stdout and stderr, the head), `.3` and `.4` (their
    tails, over the limit) and `.0` (order of arrival): each only once it has something to say.
    Implements OutputStore.
    """

    def __init__(
        self,
        root: Path,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        append_limit_bytes: int = APPEND_LIMIT_BYTES,
    ) -> None:
        if limit_bytes < 2:
            raise ValueError(f"A store's limit is at least 2 bytes (one for each half), not {limit_bytes}.")
        self.root = root
        self.half = limit_bytes // 2
        self.append_limit_bytes = append_limit_bytes

    def append(
        self, attempt: int, pieces: Sequence[tuple[Stream, bytes]], *, sizes: Sizes, is_durable: bool = False
    ) -> Sizes:
        grown = after_all(pieces, sizes)
        added_bytes = sum(grown) - sum(sizes)
        if added_bytes > self.append_limit_bytes:
            raise ValueError(f"One append takes at most {self.append_limit_bytes} bytes, not {added_bytes}.")
        with telling_full(self.root):
            for stream in STREAMS:
                self._write(attempt, stream, joined(pieces, stream), at_offset=sizes.of(stream))
            if all(grown):
                self._note(attempt, pieces, sizes=sizes)
        if is_durable:
            self.sync([attempt])
        return grown

    def _write(self, attempt: int, stream: Stream, data: bytes, *, at_offset: int) -> None:
        if not data:
            return
        files = self._files(attempt, stream)
        try:
            files.write(data, at_offset=at_offset, half=self.half, slack=self.append_limit_bytes)
        except FileNotFoundError:
            self._make_directory(attempt)
            files.write(data, at_offset=at_offset, half=self.half, slack=self.append_limit_bytes)

    def _note(self, attempt: int, pieces: Sequence[tuple[Stream, bytes]], *, sizes: Sizes) -> None:
        lengths = ((stream, len(data)) for stream, data in pieces)
        path, name = self._path(attempt, 0), f"Attempt {attempt}"
        note(path, lengths, sizes=sizes, slack=self.append_limit_bytes, name=name)

    def _make_directory(self, attempt: int) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(self._directory(attempt)).mkdir(mode=0o700, exist_ok=True)

    def sync(self, attempts: Iterable[int]) -> None:
        directories = {str(self.root)}
        with telling_full(self.root):
            for attempt in attempts:
                directories.add(self._directory(attempt))
                for number in NUMBERS:
                    write_through(self._path(attempt, number))
            # A new file is lost with the power unless its directory is written as well.
            for path in directories:
                write_through(path)

    def read(self, attempt: int, view: View, *, sizes: Sizes, offset: int, limit_bytes: int) -> Chunk:
        if offset < 0 or limit_bytes < 0:
            raise ValueError(f"Offset {offset} and limit {limit_bytes} must not be negative.")
        with ExitStack() as stack:
            streams = STREAMS if view == "both" else (view,)
            readers = {
                stream: stack.enter_context(closing(self._reader(attempt, stream, sizes.of(stream))))
                for stream in streams
            }
            following = stack.enter_context(closing(self._runs(attempt, view, sizes=sizes, offset=offset)))
            return assembled(following, readers, offset=offset, limit_bytes=limit_bytes)

    def _reader(self, attempt: int, stream: Stream, size_bytes: int) -> StreamReader:
        return StreamReader(self._files(attempt, stream), size_bytes=size_bytes)

    def _runs(self, attempt: int, view: View, *, sizes: Sizes, offset: int) -> Generator[Run, None, None]:
        if view == "both":
            yield from runs(self._path(attempt, 0), sizes=sizes, offset=offset)
        elif offset < sizes.of(view):
            yield Run(view, offset, sizes.of(view))

    def told_apart(self, attempt: int, chunk: Chunk, *, sizes: Sizes) -> Iterator[tuple[Stream, bytes]]:
        with closing(self._runs(attempt, "both", sizes=sizes, offset=chunk.offset)) as following:
            data = chunk.data
            for run in following:
                if not data:
                    return
                yield run.stream, data[: run.end - run.start]
                data = data[run.end - run.start :]

    def dropped(self, attempt: int, stream: Stream, *, size_bytes: int) -> Gap | None:
        with closing(self._reader(attempt, stream, size_bytes)) as reader:
            return reader.gap

    def seal(self, attempt: int, *, sizes: Sizes) -> dict[Stream, str | None]:
        with telling_full(self.root):
            if all(sizes):
                self._note(attempt, [], sizes=sizes)
            else:
                remove(self._path(attempt, 0))
        return {stream: self._files(attempt, stream).seal(sizes.of(stream)) for stream in STREAMS}

    def drop(self, attempt: int) -> bool:
        removed = [remove(self._path(attempt, number)) for number in NUMBERS]
        return any(removed)

    def _directory(self, attempt: int) -> str:
        return f"{self.root}/{attempt // ATTEMPTS_PER_DIRECTORY}"

    def _path(self, attempt: int, number: int) -> str:
        return f"{self._directory(attempt)}/{attempt}.{number}"

    def _files(self, attempt: int, stream: Stream) -> StreamFiles:
        number = 1 + STREAMS.index(stream)
        head, tail = self._path(attempt, number), self._path(attempt, number + len(STREAMS))
        return StreamFiles(head=head, tail=tail, name=f"Attempt {attempt} {stream}")


def after_all(pieces: Sequence[tuple[Stream, bytes]], sizes: Sizes) -> Sizes:
    for stream, data in pieces:
        sizes = sizes.grown(stream, len(data))
    return sizes


def joined(pieces: Sequence[tuple[Stream, bytes]], stream: Stream) -> bytes:
    blocks = [data for of, data in pieces if of == stream]
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def assembled(
    following: Iterable[Run], readers: Mapping[Stream, StreamReader], *, offset: int, limit_bytes: int
) -> Chunk:
    """The runs' bytes up to the limit or the next gap; a gap that they begin with is skipped and told."""
    blocks: list[bytes] = []
    begin, left = offset, limit_bytes
    for stream, start, end in following:
        while start < end:
            first, block = readers[stream].read(start, end, limit_bytes=left)
            if first > start and blocks:
                return chunk(blocks, asked=offset, begin=begin)
            begin += first - start
            blocks += [block] if block else []
            start, left = first + len(block), left - len(block)
            if not left:
                return chunk(blocks, asked=offset, begin=begin)
    return chunk(blocks, asked=offset, begin=begin)


def chunk(blocks: list[bytes], *, asked: int, begin: int) -> Chunk:
    return Chunk(b"".join(blocks), begin, (asked, begin) if begin > asked else None)


def write_through(path: str) -> None:
    """Bring the file or directory to the disk, if it is there."""
    fd = open_if_there(path, os.O_RDONLY)
    if fd is None:
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
