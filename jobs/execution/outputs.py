"""The site's output store, as its settings say."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from jobs.execution.store import FileStore, OutputStore


def output_store() -> OutputStore:
    """Where the output of attempts is kept: BATCHYARD_STORE, at most BATCHYARD_OUTPUT_LIMIT_BYTES a stream."""
    return FileStore(Path(settings.BATCHYARD_STORE), limit_bytes=settings.BATCHYARD_OUTPUT_LIMIT_BYTES)
