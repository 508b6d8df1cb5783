"""Files in pages: uploading what a job is to read, and opening what it wrote."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from jobs.models import Job
from jobs.parameters import Parameter
from jobs.problems import Problem, Problems, Refused
from jobs.queueing.declarations import parameters_of
from jobs.queueing.file_roots import roots, shown
from jobs.queueing.files import BLOCK_BYTES, UPLOAD_LIMIT_BYTES, checked, keep, opened
from jobs.queueing.job_files import JobFile, files_of, path_of
from jobs.web.live import person
from scheduler_site.api.admission import check_room
from scheduler_site.api.errors import Unavailable
from scheduler_site.sending import SentFile

UPLOADS: Final = "uploads"
# How often a name is tried with a number before the next one is refused.
TWINS_LIMIT: Final = 1000
OFFERED_LIMIT: Final = 500
LOOKED_AT_LIMIT: Final = 5000
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
TEXTS: Final = frozenset(
    {"application/json", "application/xml", "application/x-sh", "application/yaml", "application/x-yaml"}
)
TEXT_ENDINGS: Final = frozenset({".log", ".md", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf"})
# Nothing in it runs, loads or leads anywhere, whatever it turns out to be.
SHUT_IN: Final = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of a job, and whether a browser may show it."""

    file: JobFile
    may_be_viewed: bool


def listed(job: Job, declared: Sequence[Parameter]) -> list[Listed]:
    """What its file parameters name, results first."""
    found = sorted(files_of(job.params, declared), key=lambda file: not file.is_output)
    return [Listed(file, file.size_bytes is not None and viewed_as(file.path) is not None) for file in found]


def viewed_as(name: str) -> str | None:
    """The type under which a browser may show a file of this name; None: it is only downloaded.

    Never as HTML or SVG, which can hold scripts.
    """
    kind = mimetypes.guess_type(name)[0] or ""
    if kind in PICTURES:
        return kind
    is_text = kind.startswith("text/") or kind in TEXTS or PurePosixPath(name).suffix.lower() in TEXT_ENDINGS
    return "text/plain; charset=utf-8" if is_text else None


@login_required
@require_POST
def upload_file(request: HttpRequest) -> JsonResponse:
    """Keeps a file for a form whose page has scripts: `path`, or with 400 `message`."""
    policy.require(person(request), "add", Job)
    upload = request.FILES.get("file")
    if upload is None:
        return JsonResponse({"message": _("No file was sent.")}, status=400)
    try:
        return JsonResponse({"path": kept(upload)}, status=201)
    except (Problems, Refused, Unavailable) as found:
        return JsonResponse({"message": told_of(found)}, status=400)


def told_of(found: Problems | Refused | Unavailable) -> str:
    """What is wrong with a file, in a sentence."""
    return str(found.problems[0]) if isinstance(found, Problems) else str(found)


@login_required
@require_safe
def job_file(request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
    """A file of a job: shown if it is text or a picture and `?download` is not asked for; otherwise to be kept."""
    job = policy.job_for(person(request), pk, rows=Job.objects.select_related("type"))
    path = path_of(job.params, parameters_of(job.type), name)
    file = opened(path) if path else None
    if path is None or file is None:
        raise policy.Missing(Problem("not_found", _("Job %(job)s has no such file.") % {"job": pk}))
    kind = viewed_as(path.name) if "download" not in request.GET else None
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": SHUT_IN}
    return SentFile(
        file, as_attachment=kind is None, filename=path.name, content_type=kind or "application/octet-stream",
        headers=headers,
    )  # fmt: skip


def kept(upload: UploadedFile[Any]) -> str:
    """Keep an upload under its own name, with a number if there is another; its path as a parameter takes it.

    Raises Problems, Refused, and Unavailable if there is no room.
    """
    size_bytes = upload.size or 0
    if size_bytes > UPLOAD_LIMIT_BYTES:
        raise Problems([Problem("too_large", _("The file is larger than this site takes."))])
    check_room(extra_bytes=size_bytes)
    name = upload.name or ""
    for number in range(1, TWINS_LIMIT):
        path = checked(f"{UPLOADS}/{_numbered(name, number)}", field="file")
        try:
            keep(upload, path, is_overwriting=False)
        except Refused:
            if not _is_same(upload, path):
                continue
        return shown(path)
    raise Refused(_('There are too many files "%(name)s" already.') % {"name": name}, code="exists")


def _is_same(upload: UploadedFile[Any], path: Path) -> bool:
    """Whether the file that is there already has these very bytes: sent twice, it is kept once."""
    file = opened(path)
    if file is None or os.fstat(file.fileno()).st_size != upload.size:
        return False
    with file:
        return all(file.read(len(block)) == block for block in upload.chunks(BLOCK_BYTES))


def _numbered(name: str, number: int) -> str:
    path = PurePosixPath(name)
    return name if number == 1 else f"{path.stem}-{number}{path.suffix}"


def offered() -> list[str]:
    """Files to choose among, those that were uploaded in pages first, then by name."""
    first = roots()[0]
    found = islice(chain(_beneath(first / UPLOADS), _beneath(first)), LOOKED_AT_LIMIT)
    return list(dict.fromkeys(shown(path) for path in found))[:OFFERED_LIMIT]


def _beneath(directory: Path) -> Iterator[Path]:
    for place, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.isprintable() and not os.path.islink(f"{place}/{name}"):
                yield Path(place) / name
