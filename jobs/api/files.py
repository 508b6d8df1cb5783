"""Files beneath the site's file roots: what jobs read and write on our side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import policy
from jobs.api.answers import utc
from jobs.models import Job
from jobs.problems import Problem, Problems
from jobs.queueing.file_roots import roots, shown
from jobs.queueing.files import UPLOAD_LIMIT_BYTES, can_be_written, checked, keep, opened
from scheduler_site.api.admission import check_room
from scheduler_site.api.errors import TooLarge
from scheduler_site.api.fields import Strict
from scheduler_site.api.paging import check_words
from scheduler_site.api.views import caller
from scheduler_site.sending import SentFile

LISTED_LIMIT: Final = 10_000


class UploadForm(Strict):
    """A file to be kept."""

    file = serializers.FileField()
    path = serializers.CharField(required=False, help_text="Beneath the first file root. Default: the file's name.")
    overwrite = serializers.BooleanField(required=False)


class FileAnswer(serializers.Serializer[Any]):
    """A file that was kept."""

    path = serializers.CharField(help_text="As a file parameter of a job takes it.")
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()


class EntryAnswer(serializers.Serializer[Any]):
    """A file or directory in a directory."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(["file", "directory"])
    size = serializers.IntegerField(allow_null=True, help_text="Bytes; null for a directory.")
    changed_at = serializers.DateTimeField()


class ListingAnswer(serializers.Serializer[Any]):
    """A directory's entries, by name."""

    path = serializers.CharField()
    results = EntryAnswer(many=True)


class FilesView(APIView):
    """The site's files."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="files_list",
        parameters=[OpenApiParameter("path", str, description="A directory. Default: the first file root.")],
        responses=ListingAnswer,
    )
    def get(self, request: Request) -> Response:
        """What is in a directory."""
        policy.require_everywhere(caller(request), "view", Job)
        check_words(request.query_params, ["path"])
        path = _directory(request.query_params.get("path", ""))
        return Response({"path": shown(path), "results": list(_entries(path))})

    @extend_schema(request={"multipart/form-data": UploadForm}, responses={201: FileAnswer})
    def post(self, request: Request) -> Response:
        """Keep a file. It is there as a whole or not at all."""
        policy.require(caller(request), "add", Job)
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
        if declared > UPLOAD_LIMIT_BYTES:
            raise TooLarge(f"The file is larger than {UPLOAD_LIMIT_BYTES} bytes.")
        check_room(extra_bytes=2 * declared)
        upload, name, is_overwriting = _upload(request)
        if is_overwriting:
            policy.require_everywhere(caller(request), "add", Job)
        path = checked(name, field="path")
        digest = keep(upload, path, is_overwriting=is_overwriting)
        return Response({"path": shown(path), "size": path.stat().st_size, "sha256": digest}, status=201)


class FileView(APIView):
    """One of the site's files."""

    @extend_schema(operation_id="files_download", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, path: str) -> SentFile:
        """Its bytes."""
        policy.require_everywhere(caller(request), "view", Job)
        found = _seen(path)
        file = opened(found)
        if file is None:
            raise policy.Missing(Problem("not_found", f'There is no file "{shown(found)}".'))
        return sent(file, found)


def sent(file: BinaryIO, path: Path) -> SentFile:
    """The answer that is the bytes of `file`, to be kept by its own name."""
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return SentFile(
        file, as_attachment=True, filename=path.name, content_type="application/octet-stream", headers=headers
    )


def _upload(request: Request) -> tuple[UploadedFile[Any], str, bool]:
    """The file, its path and whether it may take another's place. Raises Problems."""
    told = cast(QueryDict, request.data)
    unknown = [key for key in told if key not in {"file", "path", "overwrite"}]
    if unknown:
        message = f'There is no part "{unknown[0][:100]}" here.'
        raise Problems([Problem("unknown_key", message, unknown[0][:100], "Possible: file, path, overwrite.")])
    upload = request.FILES.get("file")
    if upload is None or len(request.FILES) != 1 or len(request.FILES.getlist("file")) != 1:
        raise Problems([Problem("required", 'Send exactly one file, as the part "file".', "file")])
    overwrite = str(told.get("overwrite", "false"))
    if overwrite not in {"true", "false"}:
        raise Problems([Problem("wrong_type", "overwrite is true or false.", "overwrite")])
    name = str(told.get("path", upload.name))
    return upload, name, overwrite == "true"


def _directory(name: str) -> Path:
    if name in {"", ".", "/"}:
        return roots()[0]
    path = _seen(name.rstrip("/"))
    if not path.is_dir():
        raise policy.Missing(Problem("not_found", f"There is no directory {name[:100]!r}.", "path"))
    return path


def _seen(name: str) -> Path:
    """The path of a name in a question: what is outside is missing."""
    try:
        return checked(name, field="path")
    except Problems as found:
        raise policy.Missing(found.problems[0]) from found


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """Files and directories; links, pipes and unfinished uploads are not told."""
    if not path.is_dir():  # the first file makes it
        return
    with os.scandir(path) as found:
        entries = sorted(found, key=lambda entry: entry.name)[:LISTED_LIMIT]
    for entry in entries:
        is_directory = entry.is_dir(follow_symlinks=False)
        if not can_be_written(entry.name) or entry.name.endswith(".part"):
            continue
        if is_directory or entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield {
                "name": entry.name,
                "kind": "directory" if is_directory else "file",
                "size": None if is_directory else status.st_size,
                "changed_at": utc(datetime.fromtimestamp(status.st_mtime, UTC)),
            }
