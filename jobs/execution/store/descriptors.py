"""Whole reads and writes at a position, on plain file descriptors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.execution.store.contract import StoreFull


@contextmanager
def opened(path: str, flags: int) -> Iterator[int]:
    """A descriptor of the file, mode 0600 if this makes it."""
    fd = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def open_if_there(path: str, flags: int) -> int | None:
    """A descriptor that the caller closes. None: no such file."""
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def write_at(fd: int, data: bytes | memoryview, position: int) -> None:
    """All of `data`, however often the kernel takes only a part."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, position)
        view, position = view[written:], position + written


def read_at(fd: int, size_bytes: int, position: int) -> bytes:
    """`size_bytes` from `position`; fewer only where the file ends."""
    block = os.pread(fd, size_bytes, position)
    blocks = [block]
    missing = size_bytes - len(block)
    while missing and block:
        block = os.pread(fd, missing, position + size_bytes - missing)
        blocks.append(block)
        missing -= len(block)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def remove(path: str) -> bool:
    """True if there was such a file."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def telling_full(root: Path) -> Iterator[None]:
    """Raises StoreFull where the system says that disk, quota or inodes are used up."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreFull(problem.errno, "No room left for output", str(root)) from problem
