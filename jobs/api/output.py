"""What jobs wrote, as bytes from an offset on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast, get_args

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from accounts import policy
from jobs.execution.store import Chunk, FileStore, OutputLost, OutputStore, Sizes, View
from jobs.models import Attempt, Job, Output
from jobs.problems import Problem, Problems, did_you_mean
from scheduler_site.api.paging import check_words, whole
from scheduler_site.api.views import caller

LIMIT_BYTES: Final = 1024 * 1024
DEFAULT_BYTES: Final = 64 * 1024
OFFSET_LIMIT: Final = 2**63 - 1
ATTEMPT_LIMIT: Final = 2**31 - 1
WORDS: Final = ("stream", "attempt", "offset", "limit")


class Gone(APIException):
    """It was there once."""

    status_code = 410
    default_code = "output_lost"


def store() -> OutputStore:
    """The site's output store."""
    return FileStore(Path(settings.BATCHYARD_OUTPUT_DIR))


def attempt_of(job: Job, number: int | None) -> Attempt | None:
    """The attempt of that number, or the last; None if there is no attempt yet. Raises Missing."""
    if number is None:
        return job.attempts.order_by("-number").first()
    attempt = job.attempts.filter(number=number).first()
    if attempt is None:
        raise policy.Missing(Problem("not_found", f"Job {job.pk} has no attempt {number}.", "attempt"))
    return attempt


def sizes_of(attempt: Attempt) -> Sizes:
    """How many bytes of each stream are kept."""
    rows = Output.objects.filter(attempt=attempt).values_list("stream", "size_bytes")
    return Sizes(**dict(rows))


def size_of(sizes: Sizes, view: View) -> int:
    return sizes.stdout + sizes.stderr if view == "both" else sizes.of(view)


def view_of(text: str) -> View:
    """Raises Problems unless it is one of stdout, stderr, both."""
    if text not in get_args(View):
        message = f'There is no stream "{text[:40]}".'
        raise Problems([Problem("unknown_stream", message, "stream", did_you_mean(text[:40], get_args(View)))])
    return cast(View, text)


def number_of(text: str | None) -> int | None:
    """An attempt's number; None if none is asked for. Raises Problems."""
    return None if text is None else whole(text, field="attempt", least=1, most=ATTEMPT_LIMIT)


class OutputView(GenericAPIView[Job]):
    """What a job wrote."""

    @extend_schema(
        parameters=[
            OpenApiParameter("stream", str, enum=list(get_args(View)), description="Default: both."),
            OpenApiParameter("attempt", int, description="Default: the last."),
            OpenApiParameter("offset", int, description="First byte. Past the end: an empty answer."),
            OpenApiParameter("limit", int, description=f"At most {LIMIT_BYTES}; default {DEFAULT_BYTES}."),
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: str) -> HttpResponse:
        """Bytes from an offset on.

        X-Output-Size is how many there are so far, X-Output-Offset where these begin, X-Output-Next where to
        go on; X-Output-Gap is a range "from-to" before them that was dropped because there was too much.
        """
        job = policy.job_for(caller(request), int(pk))
        words = request.query_params
        check_words(words, WORDS)
        view = view_of(words.get("stream", "both"))
        offset = whole(words.get("offset", "0"), field="offset", least=0, most=OFFSET_LIMIT)
        limit = whole(words.get("limit", str(DEFAULT_BYTES)), field="limit", least=0, most=LIMIT_BYTES)
        attempt = attempt_of(job, number_of(words.get("attempt")))
        sizes = sizes_of(attempt) if attempt else Sizes()
        chunk = _read(attempt, view, sizes, offset, limit) if attempt else Chunk(b"", 0)
        return _answer(job, attempt, view, chunk, size_bytes=size_of(sizes, view))


def _read(attempt: Attempt, view: View, sizes: Sizes, offset: int, limit_bytes: int) -> Chunk:
    if offset >= size_of(sizes, view):
        return Chunk(b"", offset)
    try:
        return store().read(attempt.pk, view, sizes=sizes, offset=offset, limit_bytes=limit_bytes)
    except OutputLost as lost:
        raise Gone(f"The output of job {attempt.job_id} is not there any more.") from lost


def _answer(job: Job, attempt: Attempt | None, view: View, chunk: Chunk, *, size_bytes: int) -> HttpResponse:
    headers: dict[str, Any] = {
        "X-Output-Size": size_bytes,
        "X-Output-Offset": chunk.offset,
        "X-Output-Next": chunk.next_offset,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="job-{job.pk}-{attempt.number if attempt else 0}-{view}.txt"',
    }
    if chunk.gap:
        headers["X-Output-Gap"] = f"{chunk.gap[0]}-{chunk.gap[1]}"
    return HttpResponse(chunk.data, content_type="application/octet-stream", headers=headers)
