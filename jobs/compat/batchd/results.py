"""What jobs wrote: a row for each line, then one with the exit code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection
from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from jobs.compat.batchd.edge import BatchdView
from jobs.compat.batchd.shapes import result_json, utc
from jobs.execution.outputs import output_store
from jobs.execution.store import OutputLost, Sizes, Stream
from jobs.models import Attempt, Job
from jobs.problems import Problem
from scheduler_site.api.views import caller

CHUNK_BYTES: Final = 64 * 1024
# A line that is longer comes in several rows.
LINE_BYTES: Final = 64 * 1024
Row = dict[str, Any]


def attempts_of(job: Job) -> list[Attempt]:
    return list(Attempt.objects.filter(job=job).prefetch_related("outputs").order_by("number"))


def sizes_of(attempt: Attempt) -> Sizes:
    return Sizes(**{row.stream: row.size_bytes for row in attempt.outputs.all()})


class ResultsView(BatchdView):
    """All that a job wrote, attempt by attempt, as it arrived."""

    def get(self, request: Request, pk: str) -> StreamingHttpResponse:
        attempts = attempts_of(_job(request, pk))
        # Output may be on its way for long; the database is not needed for it.
        connection.close()
        return StreamingHttpResponse(_texts(attempts), content_type="application/json")


class LastResultView(BatchdView):
    """The last row."""

    def get(self, request: Request, pk: str) -> Response:
        job = _job(request, pk)
        for attempt in reversed(attempts_of(job)):
            row = result_json(attempt) if attempt.finished_at else _last_line(attempt)
            if row:
                return Response(row)
        raise policy.Missing(Problem("not_found", f"Job {job.pk} has no result yet."))


def _job(request: Request, pk: str) -> Job:
    return policy.job_of_right(caller(request), int(pk), rows=Job.objects.all())


@dataclass
class Lines:
    """Puts lines together from the bytes of two streams; never keeps more than a line of each."""

    attempt: Attempt
    begun: dict[Stream, bytes] = field(default_factory=dict)

    def rows(self, stream: Stream, data: bytes) -> Iterator[Row]:
        *lines, rest = (self.begun.pop(stream, b"") + data).split(b"\n")
        for line in lines:
            yield from self._of(stream, line)
        while len(rest) > LINE_BYTES:
            yield self.row(stream, rest[:LINE_BYTES])
            rest = rest[LINE_BYTES:]
        self.begun[stream] = rest

    def last_rows(self) -> Iterator[Row]:
        """What had no line break at its end."""
        for stream, rest in self.begun.items():
            if rest:
                yield self.row(stream, rest)

    def _of(self, stream: Stream, line: bytes) -> Iterator[Row]:
        for first in range(0, max(len(line), 1), LINE_BYTES):
            yield self.row(stream, line[first : first + LINE_BYTES])

    def row(self, stream: Stream, line: bytes) -> Row:
        text = line.decode("utf-8", "replace")
        # Lines have no times of their own here: theirs is that of the start.
        moment = utc(self.attempt.started_at or self.attempt.claimed_at)
        row: Row = {"job_id": self.attempt.job_id, "time": moment, "exit_code": None, "stdout": "", "stderr": ""}
        return {**row, stream: text}


async def _texts(attempts: Iterable[Attempt]) -> AsyncIterator[bytes]:
    """A JSON list of rows, piece by piece."""
    between = b"["
    for attempt in attempts:
        async for rows in _pieces(attempt):
            if rows:
                yield between + b",".join(json.dumps(row, ensure_ascii=False).encode() for row in rows)
                between = b","
    yield b"[]" if between == b"[" else b"]"


async def _pieces(attempt: Attempt) -> AsyncIterator[list[Row]]:
    lines, sizes, offset = Lines(attempt), sizes_of(attempt), 0
    while offset < sum(sizes):
        offset, rows = await asyncio.to_thread(_read, lines, sizes, offset)
        yield rows
    yield list(lines.last_rows())
    if attempt.finished_at:
        yield [result_json(attempt)]


def _read(lines: Lines, sizes: Sizes, offset: int) -> tuple[int, list[Row]]:
    """The rows of the next bytes, and where to go on."""
    store, attempt = output_store(), lines.attempt.pk
    try:
        chunk = store.read(attempt, "both", sizes=sizes, offset=offset, limit_bytes=CHUNK_BYTES)
    except OutputLost as lost:
        return sum(sizes), [lines.row("stderr", str(lost).encode())]
    rows: list[Row] = []
    if chunk.gap:
        rows.append(lines.row("stderr", f"[{chunk.gap[1] - chunk.gap[0]} bytes were not kept]".encode()))
    for stream, data in store.told_apart(attempt, chunk, sizes=sizes):
        rows += lines.rows(stream, data)
    is_end = chunk.next_offset <= offset
    return sum(sizes) if is_end else chunk.next_offset, rows


def _last_line(attempt: Attempt) -> Row | None:
    """The last row of what an attempt has written so far."""
    lines, sizes = Lines(attempt), sizes_of(attempt)
    if not sum(sizes):
        return None
    _next, rows = _read(lines, sizes, max(0, sum(sizes) - CHUNK_BYTES))
    return [*rows, *lines.last_rows()][-1]
