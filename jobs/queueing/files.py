"""The site's own files, beneath its file roots: their names, keeping one, reading one."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.core.files.uploadedfile import UploadedFile

from accounts.audit import record
from jobs.problems import Problem, Problems, Refused
from jobs.queueing.file_roots import resolve, shown

BLOCK_BYTES: Final = 1024 * 1024
UPLOAD_LIMIT_BYTES: Final = 16 * 1024**3
PATH_LIMIT: Final = 1024
PART_LIMIT_BYTES: Final = 255


def checked(name: str, *, field: str) -> Path:
    """The path that `name` means. Raises Problems if it is outside, or is no name that people can read."""
    is_readable = 0 < len(name) <= PATH_LIMIT and name.isprintable() and can_be_written(name)
    if not is_readable or ".." in name.split("/") or name.endswith("/"):
        message = f"{name[:100]!r} cannot be a path."
        hint = f'Possible: 1 to {PATH_LIMIT} printable characters, without ".." and without "/" at the end.'
        raise Problems([Problem("bad_path", message, field, hint)])
    return resolve(name, field=field)


def can_be_written(name: str) -> bool:
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
    record("upload", kind="file", name=shown(path), after={"sha256": digest})
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


def opened(path: Path) -> BinaryIO | None:
    """The regular file at `path`; None if that is anything else, without waiting for a pipe's writer."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    # A directory on the way may have become a link since the path was resolved.
    is_it = os.readlink(f"/proc/self/fd/{handle}") == str(path)
    if not is_it or not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return os.fdopen(handle, "rb")
