"""Sends files to a site and fetches them from it, with a bar where somebody looks."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, unquote

import httpx
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn

from yard.clean import one_line
from yard.failures import Failure, Unreachable
from yard.session import Session

BLOCK_BYTES: Final = 1024 * 1024
DIGEST_LETTERS: Final = 16
UPLOAD_SECONDS: Final = 600.0


@contextmanager
def bar(session: Session, text: str, *, total: int | None, is_bytes: bool = True) -> Iterator[Progress | None]:
    """A progress bar with one line; None if nobody looks."""
    console = session.out.progress_console
    if console is None:
        yield None
        return
    count: ProgressColumn = DownloadColumn() if is_bytes else MofNCompleteColumn()
    with Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=None), count, console=console, transient=True
    ) as progress:
        progress.add_task(one_line(text)[:30], total=total)
        yield progress


def upload(session: Session, path: Path, name: str | None, *, is_overwriting: bool = False) -> dict[str, Any]:
    """Keep the local file `path` at the site: `path`, `size` and `sha256` as it tells them.

    Without a `name` its content decides the place, so that sending it again changes nothing. Raises Failure.
    """
    with opened(path) as file:
        place = name or f"uploads/{_digest(file)[:DIGEST_LETTERS]}/{path.name}"
        try:
            return _send(session, file, path, place, is_overwriting=is_overwriting)
        except Failure as failure:
            if failure.code != "exists" or name is not None:
                raise
            return {"path": place, "size": path.stat().st_size, "sha256": _digest(file)}


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """The local file. Raises Failure unless it is one that can be read."""
    try:
        if not path.is_file():
            raise Failure(f"There is no file {path}.", code="no_file")
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Failure(f"Cannot read {path}: {reason}.", code="no_file") from error


def _digest(file: BufferedReader) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def _send(session: Session, file: BufferedReader, path: Path, place: str, *, is_overwriting: bool) -> dict[str, Any]:
    with bar(session, path.name, total=path.stat().st_size) as progress:
        shown = progress.wrap_file(file, task_id=progress.task_ids[0]) if progress else file
        fields = {"path": place, **({"overwrite": "true"} if is_overwriting else {})}
        answer = session.site.ask(
            "POST", "files", files={"file": ("file", shown)}, data=fields, timeout=httpx.Timeout(UPLOAD_SECONDS)
        )
    told: dict[str, Any] = answer.json
    return told


def place_of(name: str) -> str:
    """Where the API has the bytes of the site's file `name`."""
    # The first slash of an absolute path is written out, as two in a row may be taken for one on the way.
    return "files/" + ("%2F" if name.startswith("/") else "") + quote(name.removeprefix("/"), safe="/")


def download(session: Session, path: str, target: Path, *, is_overwriting: bool, **params: str) -> int:
    """Fetch what is at `path` of the API to `target`, as a whole or not at all. Its size in bytes. Raises Failure."""
    if target.exists() and not is_overwriting:
        raise Failure(f"There is a file {target} already.", hint="Say --overwrite to replace it.", code="exists")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            size_bytes = fetch(session, path, file, **params)
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise Failure(f"Cannot write {target}: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return size_bytes


def fetch(session: Session, path: str, file: IO[bytes], **params: str) -> int:
    """Write the bytes at `path` of the API to `file`. How many they are. Raises Failure."""
    size_bytes, name = 0, unquote(path)
    try:
        with session.site.streaming(path, headers={}, **params) as response:
            declared = response.headers.get("Content-Length", "")
            total = int(declared) if declared.isdigit() else None
            with bar(session, name, total=total) as progress:
                for block in response.iter_bytes(BLOCK_BYTES):
                    file.write(block)
                    size_bytes += len(block)
                    if progress:
                        progress.advance(progress.task_ids[0], len(block))
    except httpx.TransportError as error:
        raise Unreachable(f"The connection broke off after {size_bytes} bytes of {name}.") from error
    return size_bytes
