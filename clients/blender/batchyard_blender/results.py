"""What became of a scene's frames, and the pictures themselves."""

from __future__ import annotations

import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Final

from .failures import Failure
from .frames import Row, finished_frames, frame_of, row_of
from .site import Site
from .work import Tell

ROWS_LIMIT: Final = 2000
TAR: Final = ".tar"
GONE: Final = frozenset({"not_running", "not_found", "being_ended"})


def rows_of(site: Site, *, type: str, scene: str) -> list[Row]:
    """The caller's jobs for the file named `scene`, the newest first, among their last 2,000 of the type.

    Raises Failure.
    """
    owner = site.get("whoami")["user"]
    jobs = site.rows("jobs", limit=ROWS_LIMIT, type=type, owner=owner)
    return [row for job in jobs if (row := row_of(job)) is not None and row.scene == scene]


def cancel(site: Site, rows: Collection[Row], *, tell: Tell) -> int:
    """Have jobs end that have not ended. How many there were. Raises Failure."""
    left = [row for row in rows if not row.is_finished]
    for number, row in enumerate(left, start=1):
        tell(f"Cancelling {number} of {len(left)}")
        _cancel(site, row)
    return len(left)


def _cancel(site: Site, row: Row) -> None:
    try:
        site.post(f"jobs/{row.job}/cancel", {})
    except Failure as failure:
        # It has ended, or is gone, since it was looked at.
        if failure.code not in GONE:
            raise


def fetch(
    site: Site, rows: Collection[Row], places: Mapping[int, Path], *, is_overwriting: bool, tell: Tell
) -> list[Path]:
    """Bring finished frames to `places`, by frame. What was written, in the frames' order.

    Of each frame its newest job counts. A place has no ending: the picture brings its own.
    Raises Failure; what has been written by then stays.
    """
    wanted = finished_frames(rows)
    written: list[tuple[int, Path]] = []
    for number, (row, frames) in enumerate(wanted.items(), start=1):
        tell(f"Fetching {number} of {len(wanted)}")
        here = {frame: places[frame] for frame in frames if frame in places}
        written += _fetch(site, row, here, is_overwriting=is_overwriting)
    return [path for _, path in sorted(written)]


def _fetch(site: Site, row: Row, places: Mapping[int, Path], *, is_overwriting: bool) -> list[tuple[int, Path]]:
    """The frames of one job that were written, and where. Raises Failure."""
    if row.ending != TAR and not is_overwriting and all(_with(row.ending, there).exists() for there in places.values()):
        return []
    try:
        with tempfile.TemporaryFile() as file:
            site.download(f"jobs/{row.job}/files/frames", file)
            file.seek(0)
            found = _pictures(file) if row.ending == TAR else [(row.span.first, row.ending, file)]
            return list(_kept(found, places, is_overwriting=is_overwriting))
    except tarfile.TarError as error:
        message = f"The pictures of job {row.job} are damaged: {error}."
        raise Failure(message, hint="Submit these frames once more.", code="bad_archive") from error
    except OSError as error:
        raise Failure(f"Cannot keep the pictures of job {row.job} for a moment: {error}.", code="no_room") from error


def _pictures(file: IO[bytes]) -> Iterator[tuple[int, str, IO[bytes]]]:
    """The pictures of a .tar: frame, ending, content. Nothing of it is written by its own name."""
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            frame, content = frame_of(member.name), archive.extractfile(member) if member.isfile() else None
            if frame is not None and content is not None:
                yield frame, PurePosixPath(member.name).suffix, content


def _kept(
    found: Iterable[tuple[int, str, IO[bytes]]], places: Mapping[int, Path], *, is_overwriting: bool
) -> Iterator[tuple[int, Path]]:
    for frame, ending, content in found:
        if frame in places:
            place = _with(ending, places[frame])
            if is_overwriting or not place.exists():
                _write(content, place)
                yield frame, place


def _with(ending: str, place: Path) -> Path:
    # Not with_suffix(): what stands behind a dot may be part of the name.
    return place.with_name(f"{place.name}{ending}")


def _write(content: IO[bytes], place: Path) -> None:
    """Put the content there, as a whole or not at all. Raises Failure."""
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            shutil.copyfileobj(content, file)
        draft.replace(place)
    except OSError as error:
        hint = "Choose another directory in Output Properties."
        raise Failure(f"Cannot write {place}: {error.strerror}.", hint=hint, code="not_written") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
