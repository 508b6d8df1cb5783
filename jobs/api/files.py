"""Files beneath the site's file roots: what jobs read and write on our side."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, QueryDict
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
from jobs.problems import Problem, Problems, Refused
from jobs.queueing.file_roots import resolve, roots, shown
from scheduler_site.api.admission import check_room
from scheduler_site.api.errors import TooLarge
from scheduler_site.api.fields import Strict
from scheduler_site.api.paging import check_words
from scheduler_site.api.views import caller

BLOCK_BYTES: Final = 1024 * 1024
UPLOAD_LIMIT_BYTES: Final = 16 * 1024**3
LISTED_LIMIT: Final = 10_000
PATH_LIMIT: Final = 1024
PART_LIMIT_BYTES: Final = 255


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
        policy.require(caller(request), "view", Job)
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
        path = checked(name, field="path")
        digest = keep(upload, path, is_overwriting=is_overwriting)
        return Response({"path": shown(path), "size": path.stat().st_size, "sha256": digest}, status=201)


class FileView(APIView):
    """One of the site's files."""

    @extend_schema(operation_id="files_download", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, path: str) -> FileResponse:
        """Its bytes."""
        policy.require(caller(request), "view", Job)
        found = _seen(path)
        file = _open(found)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return FileResponse(
            file, as_attachment=True, filename=found.name, content_type="application/octet-stream", headers=headers
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


def checked(name: str, *, field: str) -> Path:
    """The path that `name` means. Raises Problems if it is outside, or is no name that people can read."""
    is_readable = 0 < len(name) <= PATH_LIMIT and name.isprintable() and _can_be_written(name)
    if not is_readable or ".." in name.split("/") or name.endswith("/"):
        message = f"{name[:100]!r} cannot be a path."
        hint = f'Possible: 1 to {PATH_LIMIT} printable characters, without ".." and without "/" at the end.'
        raise Problems([Problem("bad_path", message, field, hint)])
    return resolve(name, field=field)


def _can_be_written(name: str) -> bool:
    """Whether the name can be written, and no part of it is longer than file systems take."""
    try:
        return all(len(part.encode()) <= PART_LIMIT_BYTES for part in name.split("/"))
    except UnicodeEncodeError:
        return False


def keep(upload: UploadedFile[Any], path: Path, *, is_overwriting: bool) -> str:
    """Store the upload at `path`; its sha256 in hex. Raises Refused if something is there already."""
    exists = Refused(
        f'There is a file "{shown(path)}" already.', code="exists", hint="Send overwrite=true to replace it."
    )
    if path.exists() and (not is_overwriting or not path.is_file()):
        raise exists
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise Problems([Problem("bad_path", f'"{shown(path.parent)}" is not a directory.', "path")]) from error
    # In the same directory, so that the last step is one rename.
    draft = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        digest = _write(upload, draft)
        if is_overwriting:
            draft.replace(path)
        else:
            os.link(draft, path, follow_symlinks=False)
    except FileExistsError as error:
        raise exists from error
    finally:
        draft.unlink(missing_ok=True)
    return digest


def _write(upload: UploadedFile[Any], draft: Path) -> str:
    digest = hashlib.sha256()
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    with os.fdopen(handle, "wb") as file:
        for block in upload.chunks(BLOCK_BYTES):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _directory(name: str) -> Path:
    path = roots()[0] if name in {"", ".", "/"} else _seen(name.rstrip("/"))
    if not path.is_dir():
        raise policy.Missing(Problem("not_found", f"There is no directory {name[:100]!r}.", "path"))
    return path


def _seen(name: str) -> Path:
    """The path of a name in a question: what is outside is missing."""
    try:
        return checked(name, field="path")
    except Problems as found:
        raise policy.Missing(found.problems[0]) from found


def _open(path: Path) -> Any:
    """The regular file at `path`. Raises Missing for anything else, without waiting for a pipe's writer."""
    missing = policy.Missing(Problem("not_found", f'There is no file "{shown(path)}".'))
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise missing from error
    # A directory on the way may have become a link since the path was resolved.
    is_it = os.readlink(f"/proc/self/fd/{handle}") == str(path)
    if not is_it or not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise missing
    return os.fdopen(handle, "rb")


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """Files and directories; links, pipes and unfinished uploads are not told."""
    with os.scandir(path) as found:
        entries = sorted(found, key=lambda entry: entry.name)[:LISTED_LIMIT]
    for entry in entries:
        is_directory = entry.is_dir(follow_symlinks=False)
        if not _can_be_written(entry.name) or entry.name.endswith(".part"):
            continue
        if is_directory or entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield {
                "name": entry.name,
                "kind": "directory" if is_directory else "file",
                "size": None if is_directory else status.st_size,
                "changed_at": utc(datetime.fromtimestamp(status.st_mtime, UTC)),
            }
