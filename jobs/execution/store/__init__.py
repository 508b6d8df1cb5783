"""The store of what attempts write: append, read, seal, drop."""

from __future__ import annotations

from jobs.execution.store.contract import (
    APPEND_LIMIT_BYTES,
    STREAMS,
    Chunk,
    Gap,
    OutputLost,
    OutputStore,
    Sizes,
    StaleAppend,
    StoreFull,
    Stream,
    View,
)
from jobs.execution.store.files import DEFAULT_LIMIT_BYTES, FileStore
from jobs.execution.store.tail import dropped

__all__ = [
    "APPEND_LIMIT_BYTES",
    "DEFAULT_LIMIT_BYTES",
    "STREAMS",
    "Chunk",
    "FileStore",
    "Gap",
    "OutputLost",
    "OutputStore",
    "Sizes",
    "StaleAppend",
    "StoreFull",
    "Stream",
    "View",
    "dropped",
]
