"""That something has happened to a job, for pages that show lists of them: server-sent events.

    event: changed
    data: {"event": 4711}

What changed is asked for afterwards. However many lists are open and however much happens, they are told in
turn, so that all of them together ask a bounded number of times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from accounts import policy
from jobs.api.broadcast import ANY_JOB, BROADCASTER, Proof, Viewer
from jobs.api.stream import HEARTBEAT_SECONDS, event, give_thread_back, proof_of, streamed
from jobs.models import Job
from scheduler_site.api.paging import check_words
from scheduler_site.api.views import caller

# A list that is told asks for itself, which takes tens of milliseconds: this many a second leave room for all else.
TOLD_PER_SECOND: Final = 3
LEAST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 10.0


class ChangesView(GenericAPIView[Job]):
    """What happens to jobs, as it happens."""

    @extend_schema(operation_id="jobs_changes", responses={(200, "text/event-stream"): OpenApiTypes.STR})
    def get(self, request: Request) -> StreamingHttpResponse:
        """Server-sent events `changed`: one at first, then at most one a second while anything happens."""
        policy.require(caller(request), "view", Job)
        check_words(request.query_params, ())
        return streamed(_events(proof_of(request)))


async def _events(proof: Proof) -> AsyncIterator[bytes]:
    await give_thread_back()
    viewer = Viewer(ANY_JOB, proof)
    with BROADCASTER.watching(viewer):
        yield b": watching\n\n"
        while True:
            news = await viewer.next(wait_seconds=HEARTBEAT_SECONDS)
            if news is None:
                yield b": still here\n\n"
                continue
            if not news.is_admitted:
                return
            yield event("changed", {"event": news.mark})
            await asyncio.sleep(pause_seconds(BROADCASTER.list_viewer_count))


def pause_seconds(viewers: int) -> float:
    """How long one of so many lists is left alone after it was told."""
    return min(max(viewers / TOLD_PER_SECOND, LEAST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
