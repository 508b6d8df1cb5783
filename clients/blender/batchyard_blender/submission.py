"""Hands a scene's frames to a site: the file once, then all jobs in one request."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .failures import Failure, did_you_mean
from .frames import Span, counted
from .site import Site, part
from .work import Tell

PARAMETERS: Final[Mapping[str, str]] = {
    "scene": "InputFile", "frames": "OutputFile", "first": "Int", "last": "Int", "step": "Int",
}  # fmt: skip
PAGE: Final = "docs/howto/blender.md tells how to make it"
BLOCK_BYTES: Final = 1024 * 1024
DIGEST_LETTERS: Final = 16
KEY_BYTES: Final = 16
UPLOAD_SECONDS: Final = 600.0
NAMES_LIMIT: Final = 1000


@dataclass(frozen=True)
class Order:
    """What is to be rendered, and how.

    file    the saved .blend
    chunk   frames to a job
    ending  that of the pictures, such as ".png"
    """

    file: Path
    queue: str
    type: str
    span: Span
    chunk: int
    ending: str


def new_key() -> str:
    """An Idempotency-Key: a submission that is repeated with it is not taken twice."""
    return secrets.token_hex(KEY_BYTES)


def submit(site: Site, order: Order, *, key: str, tell: Tell) -> list[int]:
    """The numbers of the new jobs. Raises Failure; the same `key` then goes on where it was."""
    spans = order.span.chunks(order.chunk)
    tell("Asking for queue and job type")
    check_type(site, order.type)
    check_queue(site, order.queue)
    scene = upload(site, order.file, tell=tell)
    tell(f"Submitting {counted(len(spans), 'job')}")
    jobs = [job_for(span, order, scene=scene, key=key) for span in spans]
    return list(site.post("jobs/bulk", {"jobs": jobs}, key=key)["ids"])


def check_type(site: Site, name: str) -> None:
    """Raises Failure unless the site has the job type, and this takes frames of a scene."""
    if not name:
        raise Failure("No job type is chosen.", hint="Choose one in the panel, such as blender-frames.")
    try:
        declared = site.get(f"job-types/{part(name)}")["params"]
    except Failure as failure:
        if failure.code != "not_found":
            raise
        hint = f"{failure.hint} {PAGE}.".lstrip()
        raise Failure(f'The site has no job type "{name}".', hint=hint, code="unknown_type") from failure
    if lack := lacking(declared):
        message = f'Job type "{name}" does not take frames of a scene: it has no {lack}.'
        raise Failure(message, hint=f"Choose another; {PAGE}.", code="bad_type")


def lacking(declared: Iterable[Mapping[str, Any]]) -> str:
    """The first parameter that a type with these lacks, in words; "" if none."""
    kinds = {one["name"]: one["type"] for one in declared}
    return next((f'{kind} "{name}"' for name, kind in PARAMETERS.items() if kinds.get(name) != kind), "")


def check_queue(site: Site, name: str) -> None:
    """Raises Failure if the site has no such queue. Whoever may not see queues may have a right to submit to one."""
    if not name:
        raise Failure("No queue is chosen.", hint="Choose one in the panel.")
    names = queue_names(site)
    if name not in names and site.get("whoami")["superuser"]:
        message = f'The site has no queue "{name}".'
        raise Failure(message, hint=did_you_mean(name, names), code="unknown_queue")


def queue_names(site: Site) -> list[str]:
    """The queues that the caller may see."""
    return [row["name"] for row in site.rows("queues", limit=NAMES_LIMIT)]


def type_names(site: Site) -> list[str]:
    """The job types, of those that the caller may see, that take frames of a scene."""
    return [row["name"] for row in site.rows("job-types", limit=NAMES_LIMIT) if not lacking(row["params"])]


def job_for(span: Span, order: Order, *, scene: str, key: str) -> dict[str, Any]:
    """A job as the API takes it. Each submission has a directory for what it makes."""
    ending = order.ending if len(span.frames) == 1 else ".tar"
    place = f"{scene.rpartition('/')[0]}/{key[:8]}/{span.name}{ending}"
    params = {"scene": scene, "frames": place, "first": span.first, "last": span.last, "step": span.step}
    return {
        "queue": order.queue, "type": order.type, "notes": f"{order.file.name}: {span.text}",
        "params": {name: str(value) for name, value in params.items()},
    }  # fmt: skip


def upload(site: Site, file: Path, *, tell: Tell) -> str:
    """The place of `file` at the site. Its content decides the place, so nothing is sent twice. Raises Failure."""
    place = f"blender/{_digest(file)}/{_plain(file.name)}"
    if _is_there(site, place, size_bytes=file.stat().st_size):
        return place
    try:
        return str(_send(site, file, place, tell=tell)["path"])
    except Failure as failure:
        if failure.code != "exists":
            raise
        return place


def _is_there(site: Site, place: str, *, size_bytes: int) -> bool:
    """Whether the site has the file. False also if the caller may not look."""
    directory, _, name = place.rpartition("/")
    try:
        listed = site.get("files", path=directory)["results"]
    except Failure as failure:
        if failure.code in ("not_found", "permission_denied"):
            return False
        raise
    return any(one["name"] == name and one["size"] == size_bytes for one in listed)


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(file):
        digest.update(block)
    return digest.hexdigest()[:DIGEST_LETTERS]


def _plain(name: str) -> str:
    """`name` as every site takes it: what is not printable, or ends a header, is left out."""
    return "".join(letter for letter in name if letter.isprintable() and letter not in '"\\/')


def _send(site: Site, file: Path, place: str, *, tell: Tell) -> Any:
    boundary = secrets.token_hex(KEY_BYTES)
    before = _text_part(boundary, "path", place) + _file_head(boundary, place.rpartition("/")[2])
    after = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(before) + file.stat().st_size + len(after)),
    }
    body = _told(before, file, after, tell=tell)
    return site.send("files", body, headers=headers, timeout_seconds=UPLOAD_SECONDS)


def _told(before: bytes, file: Path, after: bytes, *, tell: Tell) -> Iterator[bytes]:
    """The body of an upload, telling how far it is."""
    size_bytes, sent_bytes = max(file.stat().st_size, 1), 0
    yield before
    for block in _blocks(file):
        yield block
        sent_bytes += len(block)
        tell(f"Uploading {file.name}: {100 * sent_bytes // size_bytes} %")
    yield after


def _text_part(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _file_head(boundary: str, name: str) -> bytes:
    disposition = f'form-data; name="file"; filename="{name}"'
    return (
        f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
    ).encode()


def _blocks(file: Path) -> Iterator[bytes]:
    """The bytes of `file`. Raises Failure if it cannot be read."""
    try:
        with file.open("rb") as opened:
            while block := opened.read(BLOCK_BYTES):
                yield block
    except OSError as error:
        raise Failure(f"Cannot read {file}: {error.strerror}.", hint="Save the scene once more.") from error
