"""Builders for tests of the output store."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from jobs.execution.store import Chunk, OutputStore, Sizes, Stream, View

MIB = 1024 * 1024


def noise(size_bytes: int, *, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def append_all(store: OutputStore, data: bytes, *, stream: Stream = "stdout", step: int = MIB) -> Sizes:
    sizes = Sizes()
    for start in range(0, len(data), step):
        sizes = store.append(1, [(stream, data[start : start + step])], sizes=sizes)
    return sizes


def read_all(
    store: OutputStore, view: View = "stdout", *, sizes: Sizes, limit_bytes: int = 64 * 1024, offset: int = 0
) -> list[Chunk]:
    chunks: list[Chunk] = []
    while True:
        chunk = store.read(1, view, sizes=sizes, offset=offset, limit_bytes=limit_bytes)
        if not chunk.data and chunk.gap is None:
            return chunks
        chunks.append(chunk)
        offset = chunk.next_offset


def joined(chunks: Iterable[Chunk]) -> bytes:
    return b"".join(chunk.data for chunk in chunks)


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
