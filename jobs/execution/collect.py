"""Brings a run's output from its host into the store. Rows say how much is kept; bytes come first.

A crash between the two means that the same bytes are brought again, to the same place.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from hosts.supervisor.client import Supervisor
from hosts.transports.base import Transport
from jobs.execution import ownership
from jobs.execution.runs import Run
from jobs.execution.store import STREAMS, OutputLost, OutputStore, Sizes, Stream
from jobs.models import Output
from jobs.redaction import Blackout, Redaction

logger = logging.getLogger(__name__)

CHUNK_BYTES: Final = 1 << 20
SMALL_BYTES: Final = 64 << 10


class Collector:
    """Collects over one connection. Its methods may be called from several threads, but not for one run at once."""

    def __init__(self, transport: Transport, supervisor: Supervisor, store: OutputStore, grip: ownership.Grip) -> None:
        self._transport = transport
        self._supervisor = supervisor
        self._store = store
        self._grip = grip

    def small(self, runs: Sequence[Run], *, at: datetime) -> tuple[list[tuple[Run, list[Output]]], list[Run]]:
        """Collect what ended runs wrote, if it is little: sealed rows to be saved with the end, and the runs with more.

        One look per stream that is said to hold something; nothing is written to the database.
        """
        done, large = [], []
        for run in runs:
            rows = self._small(run, at)
            if rows is None:
                large.append(run)
            else:
                done.append((run, rows))
        if written := [run.attempt for run, rows in done if rows]:
            self._store.sync(written)
        return done, large

    def _small(self, run: Run, at: datetime) -> list[Output] | None:
        # Of what may hold a secret the end is looked for chunk by chunk.
        if run.ended is None or run.stored != Sizes() or run.hidden is not None:
            return None
        pieces = list(self._new(run, self._said_to_hold(run), SMALL_BYTES + 1, is_last=True))
        if any(len(data) > SMALL_BYTES or self._is_cut(run, stream, data) for stream, data in pieces):
            return None
        self._store.append(run.attempt, pieces, sizes=run.stored)
        return [
            Output(
                attempt_id=run.attempt, stream=stream, size_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(), sealed_at=at,
            )
            for stream, data in pieces
        ]  # fmt: skip

    def drain(self, run: Run, *, limit_chunks: int | None = None) -> bool:
        """Bring what there is beyond what is stored, committing chunk by chunk. True if the end was reached.

        With `limit_chunks`, at most so many of each stream in this call, and more is expected to come.
        """
        taken = 0
        while limit_chunks is None or taken < limit_chunks:
            pieces = list(self._new(run, STREAMS, CHUNK_BYTES, is_last=limit_chunks is None))
            if not pieces:
                return True
            self._keep(run, pieces)
            taken += 1
        return False

    def _keep(self, run: Run, pieces: Sequence[tuple[Stream, bytes]]) -> None:
        try:
            sizes = self._store.append(run.attempt, pieces, sizes=run.stored, is_durable=True)
        except OutputLost as problem:
            # A power cut took what was committed. The host keeps its copy until the seal: begin again.
            logger.warning("%s It is fetched again.", problem)
            self._store.drop(run.attempt)
            run.stored = Sizes()
            return
        self._commit(run, sizes)

    def _is_cut(self, run: Run, stream: Stream, data: bytes) -> bool:
        return self._store.dropped(run.attempt, stream, size_bytes=len(data)) is not None

    def seal(self, run: Run, *, at: datetime) -> list[Output]:
        """Close the run's streams. Rows to be saved with its end."""
        return sealed(self._store, run, at=at)

    @transaction.atomic
    def _commit(self, run: Run, sizes: Sizes) -> None:
        ownership.check(self._grip)
        Output.objects.bulk_create(
            rows_of(self._store, run, sizes),
            update_conflicts=True,
            unique_fields=["attempt", "stream"],
            update_fields=["size_bytes", "dropped_from", "dropped_to"],
        )
        run.stored = sizes

    def _new(self, run: Run, streams: Sequence[Stream], limit: int, *, is_last: bool) -> Iterator[tuple[Stream, bytes]]:
        for stream in streams:
            offset = run.stored.of(stream)
            data = (
                self._read(run, stream, offset, limit)
                if run.hidden is None
                else self._redacted(run, run.hidden.redaction, stream, limit, is_last=is_last)
            )
            if data:
                yield stream, data

    def _redacted(
        self, run: Run, redaction: Redaction | Blackout, stream: Stream, limit: int, *, is_last: bool
    ) -> bytes:
        """What is new without the run's secrets. It is read together with what a secret may have begun in."""
        offset = run.stored.of(stream)
        seen = min(offset, redaction.reach_bytes)
        data = self._read(run, stream, offset - seen, seen + limit)
        # Only what nothing follows is the last.
        return redaction.piece(data, seen=seen, is_last=is_last and len(data) < seen + limit)

    def _read(self, run: Run, stream: Stream, offset: int, limit: int) -> bytes:
        path = self._supervisor.stdout_path if stream == "stdout" else self._supervisor.stderr_path
        try:
            return self._transport.read(path(run.marker), offset=offset, limit_bytes=limit)
        except FileNotFoundError:
            return b""

    @staticmethod
    def _said_to_hold(run: Run) -> list[Stream]:
        assert run.ended is not None  # noqa: S101  (asked for ended runs only)
        held: dict[Stream, bool] = {"stdout": run.ended.has_stdout, "stderr": run.ended.has_stderr}
        return [stream for stream, has_any in held.items() if has_any]


def sealed(store: OutputStore, run: Run, *, at: datetime) -> list[Output]:
    """Close the streams of a run with what is kept of them. Rows to be saved with its end."""
    hashes = store.seal(run.attempt, sizes=run.stored)
    rows = rows_of(store, run, run.stored)
    for row in rows:
        row.sha256, row.sealed_at = hashes[row.stream] or "", at  # type: ignore[index]
    return rows


def rows_of(store: OutputStore, run: Run, sizes: Sizes) -> list[Output]:
    """Rows that say that so much is kept of each stream that has anything."""
    rows = []
    for stream in STREAMS:
        if size := sizes.of(stream):
            start, end = store.dropped(run.attempt, stream, size_bytes=size) or (None, None)
            rows.append(
                Output(attempt_id=run.attempt, stream=stream, size_bytes=size, dropped_from=start, dropped_to=end)
            )
    return rows
