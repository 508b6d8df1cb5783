"""What a job wrote, for people: its end in the page, all of it as a file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, cast

from django.db import connection
from django.http import Http404, HttpRequest, StreamingHttpResponse

from accounts import policy
from accounts.models import User
from jobs.execution.outputs import output_store
from jobs.execution.store import STREAMS, OutputLost, Sizes, Stream, View
from jobs.models import Attempt, Output
from jobs.problems import Problem

TAIL_BYTES: Final = 64 * 1024
CHUNK_BYTES: Final = 256 * 1024
# Escape sequences of terminals, whole or cut off, and control characters other than tab and line feed.
ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)|\r(?=\n)")
CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of an attempt's output.

    begin       offset of its first byte; the page's own script goes on from there
    size_bytes  of all that was written
    is_lost     it was there once and is not now
    """

    text: str = ""
    begin: int = 0
    size_bytes: int = 0
    is_lost: bool = False

    @property
    def is_cut(self) -> bool:
        return self.begin > 0


def sizes_of(attempt: Attempt) -> Sizes:
    """How many bytes of each stream are kept."""
    return Sizes(**dict(Output.objects.filter(attempt=attempt).values_list("stream", "size_bytes")))


def tail_of(attempt: Attempt, view: View, *, sizes: Sizes) -> Tail:
    """The last 64 KiB, from the beginning of a line, as text without anything that is not text."""
    size_bytes = sizes.stdout + sizes.stderr if view == "both" else sizes.of(view)
    begin = max(0, size_bytes - TAIL_BYTES)
    try:
        data = _read(attempt.pk, view, sizes=sizes, offset=begin, size_bytes=size_bytes)
    except OutputLost:
        return Tail(size_bytes=size_bytes, begin=size_bytes, is_lost=True)
    if begin:
        # Zero, and so nothing is cut, where no line ends in it.
        cut = data.find(b"\n") + 1
        begin, data = begin + cut, data[cut:]
    return Tail(plain_text(data), begin, size_bytes)


def _read(attempt: int, view: View, *, sizes: Sizes, offset: int, size_bytes: int) -> bytes:
    store, found = output_store(), bytearray()
    while offset < size_bytes:
        chunk = store.read(attempt, view, sizes=sizes, offset=offset, limit_bytes=size_bytes - offset)
        found += chunk.data
        if chunk.next_offset <= offset:
            break
        offset = chunk.next_offset
    return bytes(found)


def plain_text(data: bytes) -> str:
    """`data` as a person reads it without a terminal: no colours, no control characters."""
    text = ESCAPES.sub("", data.decode("utf-8", "replace"))
    return CONTROLS.sub("", re.sub(r"[^\n]*\r", "", text))


def download(request: HttpRequest, pk: int, number: int, stream: str) -> StreamingHttpResponse:
    """All that one stream of an attempt has so far, as a file."""
    if stream not in STREAMS:
        raise Http404
    attempt, sizes = _attempt(request, pk, number)
    pieces = _pieces(attempt, stream, sizes)
    answer = StreamingHttpResponse(pieces, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="job-{pk}-{number}-{stream}.txt"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    return answer


def _attempt(request: HttpRequest, pk: int, number: int) -> tuple[int, Sizes]:
    job = policy.job_for(cast(User, request.user), pk)
    attempt = job.attempts.filter(number=number).first() if number < policy.ID_LIMIT else None
    if attempt is None:
        raise policy.Missing(Problem("not_found", f"Job {pk} has no attempt {number}."))
    sizes = sizes_of(attempt)
    # The bytes may be on their way for hours; the database is not needed for them.
    connection.close()
    return attempt.pk, sizes


async def _pieces(attempt: int, stream: Stream, sizes: Sizes) -> AsyncIterator[bytes]:
    store, offset = output_store(), 0
    while offset < sizes.of(stream):
        chunk = await asyncio.to_thread(
            store.read, attempt, stream, sizes=sizes, offset=offset, limit_bytes=CHUNK_BYTES
        )
        if chunk.gap:
            yield f"\n[{chunk.gap[1] - chunk.gap[0]} bytes were not kept]\n".encode()
        if chunk.next_offset <= offset:
            return
        yield chunk.data
        offset = chunk.next_offset
