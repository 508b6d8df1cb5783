"""What every output store promises, in words that carry no place.

The rows of the database hold the committed sizes and are the truth: a store takes them as arguments,
never shows a byte beyond them and never needs one that is not yet committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

Stream = Literal["stdout", "stderr"]
View = Literal["stdout", "stderr", "both"]
Gap = tuple[int, int]

STREAMS: Final[tuple[Stream, ...]] = ("stdout", "stderr")

# A tail has room for one append beyond what it keeps, so bytes that are not committed yet never lie
# over bytes that are.
APPEND_LIMIT_BYTES: Final = 8 * 1024 * 1024


class Sizes(NamedTuple):
    """Bytes of each stream so far, counted from its first byte, dropped ones included."""

    stdout: int = 0
    stderr: int = 0

    def of(self, stream: Stream) -> int:
        return self.stdout if stream == "stdout" else self.stderr

    def grown(self, stream: Stream, by_bytes: int) -> Sizes:
        if stream == "stdout":
            return Sizes(self.stdout + by_bytes, self.stderr)
        return Sizes(self.stdout, self.stderr + by_bytes)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes [offset, next_offset) of a stream, or of both in order of arrival.

    gap  what this read had to skip because it was dropped: from the offset asked for to `offset`
    """

    data: bytes
    offset: int
    gap: Gap | None = None

    @property
    def next_offset(self) -> int:
        """Where the next read begins."""
        return self.offset + len(self.data)


class StoreFull(OSError):
    """No room for more output. What is committed is whole; the same append may be tried again."""


class OutputLost(Exception):
    """The store has less than was committed: dropped, or lost with the power before a sync.

    stored_bytes  how much of the stream is there from its beginning
    """

    def __init__(self, name: str, *, committed_bytes: int, stored_bytes: int) -> None:
        super().__init__(f"{name}: {committed_bytes} bytes are committed, but only {stored_bytes} are stored.")
        self.stored_bytes = stored_bytes


class StaleAppend(Exception):
    """An append so far behind what is stored that only a writer who lost the attempt can have sent it."""

    def __init__(self, name: str, *, at_offset: int, stored_bytes: int) -> None:
        super().__init__(f"{name} is stored up to byte {stored_bytes}; an append at byte {at_offset} comes too late.")


class OutputStore(Protocol):
    """Where the output of attempts is kept."""

    append_limit_bytes: int

    def append(
        self, attempt: int, pieces: Sequence[tuple[Stream, bytes]], *, sizes: Sizes, is_durable: bool = False
    ) -> Sizes:
        """Store `pieces` in their order of arrival behind the committed `sizes`; the sizes to commit now.

        Repeat it after a crash before the commit: the result is the same. With `is_durable` the bytes
        outlive a power cut once this returns; otherwise once `sync` has returned.

        Raises ValueError over `append_limit_bytes` in all, StoreFull, OutputLost, StaleAppend, OSError.
        """

    def sync(self, attempts: Iterable[int]) -> None:
        """Make all that was appended for these attempts outlive a power cut."""

    def read(self, attempt: int, view: View, *, sizes: Sizes, offset: int, limit_bytes: int) -> Chunk:
        """At most `limit_bytes` from `offset`, never beyond the committed `sizes`.

        It ends early where dropped bytes begin, and skips those it begins in. For "both", offsets count
        the bytes of both streams in their order of arrival. No data and no gap: the end for now.

        Raises ValueError for a negative offset or limit, OutputLost, OSError.
        """

    def told_apart(self, attempt: int, chunk: Chunk, *, sizes: Sizes) -> Iterator[tuple[Stream, bytes]]:
        """The bytes of a chunk that was read of both streams, each piece with its stream, in order of arrival."""

    def dropped(self, attempt: int, stream: Stream, *, size_bytes: int) -> Gap | None:
        """The range [start, end) that was not kept of a stream of this size. None: all was."""

    def seal(self, attempt: int, *, sizes: Sizes) -> dict[Stream, str | None]:
        """Cut off what was never committed; the sha256 of each stream in hex, None for one with a gap."""

    def drop(self, attempt: int) -> bool:
        """Remove all output of the attempt. True if there was any."""
