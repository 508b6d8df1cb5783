"""What a job writes, as it writes it: server-sent events.

    id: 1:65536
    event: output
    data: {"attempt": 1, "stream": "both", "offset": 65530, "data": "hello\\n"}

An id is the attempt's number and the offset after the event's bytes; a client that lost the
connection sends it as Last-Event-ID and misses nothing. The last event is `end`, with the job's state.
With `states=true` there is an event `state` at first and whenever something about the job has changed.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import connection
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from accounts import policy
from accounts.models import Token
from accounts.origin import way_of
from jobs.api.broadcast import BROADCASTER, News, Part, Proof, Viewer
from jobs.api.output import attempt_of, number_of, size_of, store, view_of
from jobs.execution.store import Chunk, OutputLost, View
from jobs.models import Job
from jobs.problems import Problem, Problems
from scheduler_site.api.paging import check_words
from scheduler_site.api.views import caller

CHUNK_BYTES: Final = 64 * 1024
HEARTBEAT_SECONDS: Final = 15.0
# Each holds at most CHUNK_BYTES.
READINGS_LIMIT: Final = 32
EVENT_ID: Final = re.compile(r"(?:([0-9]{1,9}):)?([0-9]{1,18})")


@dataclass(slots=True)
class Place:
    """Where a viewer is: the attempt's number, None before the first, and the offset to go on at."""

    view: View
    number: int | None
    offset: int
    is_pinned: bool
    has_states: bool = False
    told: object = None


class StreamView(GenericAPIView[Job]):
    """What a job writes, as it writes it."""

    @extend_schema(
        operation_id="jobs_output_stream",
        parameters=[
            OpenApiParameter("stream", str, enum=list(get_args(View)), description="Default: both."),
            OpenApiParameter("attempt", int, description="Default: the last, and those that follow it."),
            OpenApiParameter("states", bool, description="Also tell changes of the job, as events `state`."),
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="Where to go on."),
        ],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    def get(self, request: Request, pk: str) -> StreamingHttpResponse:
        """Server-sent events: `output`, `gap` where something was dropped and, last, `end` with the job's state."""
        job = policy.job_for(caller(request), int(pk))
        return streamed(_events(_place(job, request), job=job.pk, proof=proof_of(request)))


def streamed(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """An answer that goes on for as long as there are events."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(events, content_type="text/event-stream; charset=utf-8", headers=headers)


def proof_of(request: Request) -> Proof:
    """Who watches, and what may end that."""
    token = request.auth.digest if isinstance(request.auth, Token) else ""
    is_of_session = way_of(request._request) == "session"
    session = request._request.session.session_key or "" if is_of_session else ""
    return Proof(caller(request).pk, token, session)


def _place(job: Job, request: Request) -> Place:
    """Where the stream is to begin. Raises Missing, Problems."""
    words = request.query_params
    check_words(words, ("stream", "attempt", "states"))
    has_states = words.get("states") == "true"
    view = view_of(words.get("stream", "both"))
    wanted = number_of(words.get("attempt"))
    attempt_of(job, wanted)
    number, offset = _last_event(request.headers.get("Last-Event-ID", ""))
    if wanted is None:
        return Place(view, number, offset, is_pinned=False, has_states=has_states)
    offset = offset if number in {None, wanted} else 0
    return Place(view, wanted, offset, is_pinned=True, has_states=has_states)


def _last_event(text: str) -> tuple[int | None, int]:
    """Attempt (None: not told) and offset of an event's id; the beginning without one. Raises Problems."""
    if not text:
        return None, 0
    match = EVENT_ID.fullmatch(text)
    if match is None:
        message = f"{text[:40]!r} is no id of an event."
        raise Problems([Problem("bad_event_id", message, None, "Send none to begin at the beginning.")])
    return int(match[1]) if match[1] else None, int(match[2])


async def _events(place: Place, *, job: int, proof: Proof) -> AsyncIterator[bytes]:
    await give_thread_back()
    viewer = Viewer(job, proof)
    with BROADCASTER.watching(viewer):
        yield b": watching\n\n"
        while True:
            news = await viewer.next(wait_seconds=HEARTBEAT_SECONDS)
            if news is None:
                yield b": still here\n\n"
                continue
            if not news.is_admitted:
                return
            for told in _state(news, place):
                yield told
            async for told in _output(news, place):
                yield told
            if _is_over(news, place):
                yield event("end", {"state": news.state, "exit_code": news.exit_code})
                return


def _close_connection() -> None:
    """That of the thread that calls."""
    connection.close()


async def give_thread_back() -> None:
    """Return the thread that a request's synchronous parts run in, and its connection to the database.

    Django keeps them until the response has ended, which for a stream may be days.
    """
    await sync_to_async(_close_connection)()
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.pop(context, None) if context else None
    if executor is not None:
        executor.shutdown(wait=False)


def _state(news: News, place: Place) -> Iterator[bytes]:
    """That the job has changed, for those who asked to be told."""
    if place.has_states and news.mark != place.told:
        place.told = news.mark
        yield event("state", {"state": news.state, "exit_code": news.exit_code})


def _is_over(news: News, place: Place) -> bool:
    pinned = news.parts.get(place.number or 0) if place.is_pinned else None
    return news.is_over or (not news.parts and news.state == "removed") or (pinned is not None and pinned.is_finished)


async def _output(news: News, place: Place) -> AsyncIterator[bytes]:
    """Everything from `place` on, which moves along, through this attempt and those after it."""
    if news.parts and place.number not in news.parts:
        place.offset = place.offset if place.number is None else 0
        place.number = max(news.parts)
    while (part := news.parts.get(place.number or 0)) is not None:
        async for told in _part(part, place):
            yield told
        if place.is_pinned or not part.is_finished or part.number + 1 not in news.parts:
            return
        place.number, place.offset = part.number + 1, 0


async def _part(part: Part, place: Place) -> AsyncIterator[bytes]:
    size_bytes = size_of(part.sizes, place.view)
    while place.offset < size_bytes:
        try:
            chunk = await READINGS.read(part, place)
        except OutputLost:
            yield event("gap", {"attempt": part.number, "from": place.offset, "to": size_bytes})
            place.offset = size_bytes
            return
        if chunk.gap:
            yield event("gap", {"attempt": part.number, "from": chunk.gap[0], "to": chunk.gap[1]})
        is_last = part.is_finished and chunk.next_offset >= size_bytes
        data = chunk.data if is_last else chunk.data[: whole_characters(chunk.data)]
        place.offset = chunk.offset + len(data)
        if not data:
            return
        text = data.decode("utf-8", "replace")
        told = {"attempt": part.number, "stream": place.view, "offset": chunk.offset, "data": text}
        yield event("output", told, identity=f"{part.number}:{place.offset}")


class Readings:
    """What was read last, for all who watch the same job: they ask for the same bytes at the same moment."""

    def __init__(self) -> None:
        self._recent: dict[object, asyncio.Future[Chunk]] = {}

    async def read(self, part: Part, place: Place) -> Chunk:
        """The bytes of `part` from `place` on. Raises OutputLost."""
        loop = asyncio.get_running_loop()
        key = (loop, part.attempt, place.view, place.offset, part.sizes)
        found = self._recent.get(key)
        if found is None:
            found = self._recent[key] = asyncio.ensure_future(asyncio.to_thread(_read, part, place.view, place.offset))
            while len(self._recent) > READINGS_LIMIT:
                del self._recent[next(iter(self._recent))]
        # One viewer that leaves does not end what others wait for.
        return await asyncio.shield(found)


READINGS: Final = Readings()


def _read(part: Part, view: View, offset: int) -> Chunk:
    return store().read(part.attempt, view, sizes=part.sizes, offset=offset, limit_bytes=CHUNK_BYTES)


def whole_characters(data: bytes) -> int:
    """How many bytes of `data` there are without a character at its end that is cut off."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if length > back else len(data)
        if byte < 0x80:
            break
    return len(data)


def event(kind: str, data: dict[str, Any], *, identity: str = "") -> bytes:
    """One server-sent event."""
    # JSON escapes line breaks, so the data is always one line.
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
