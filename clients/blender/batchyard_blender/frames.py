"""Frames, how they are shared out among jobs, and what became of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from .failures import Failure

JOBS_LIMIT: Final = 100_000
FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "skipped"})
DIGITS: Final = 4


def counted(number: int, noun: str) -> str:
    """ "1 job", "2 jobs"."""
    return f"{number} {noun}" + "s" * (number != 1)


@dataclass(frozen=True)
class Span:
    """Every `step`-th frame from `first` to `last`, both included. Raises Failure if there is none."""

    first: int
    last: int
    step: int = 1

    def __post_init__(self) -> None:
        if self.step < 1:
            raise Failure(f"The frame step is {self.step}.", hint="Give 1 or more.", code="bad_range")
        if self.first < 0:
            # Its command line takes -3 for "three before the scene's".
            message = f"Frame {self.first} is before 0, and Blender does not render such without a window."
            raise Failure(message, hint="Begin at 0 or later.", code="bad_range")
        if self.last < self.first:
            message = f"There is no frame range: the first frame, {self.first}, is behind the last, {self.last}."
            raise Failure(message, hint="Set the frames in the panel or in Output Properties.", code="bad_range")

    @property
    def frames(self) -> range:
        return range(self.first, self.last + 1, self.step)

    @property
    def text(self) -> str:
        """For people: "7", "1-10", "1-9 by 2"."""
        if len(self.frames) == 1:
            return str(self.first)
        return f"{self.first}-{self.last}" + (f" by {self.step}" if self.step > 1 else "")

    @property
    def name(self) -> str:
        """For files: "0007", "0001-0010"."""
        ends = (self.first,) if len(self.frames) == 1 else (self.first, self.last)
        return "-".join(f"{end:0{DIGITS}d}" for end in ends)

    def chunks(self, size: int) -> list[Span]:
        """Its frames in their order, `size` to each. Raises Failure if these are more than a site takes at once."""
        if size < 1:
            raise Failure(f"{size} frames a job are none.", hint="Give 1 or more.", code="bad_chunk")
        count = -(-len(self.frames) // size)
        if count > JOBS_LIMIT:
            hint = f"Give at least {-(-len(self.frames) // JOBS_LIMIT)} frames to a job."
            raise Failure(f"{count} jobs are more than the {JOBS_LIMIT} of one submission.", hint=hint)
        parts = (self.frames[begin : begin + size] for begin in range(0, len(self.frames), size))
        return [Span(part[0], part[-1], self.step) for part in parts]


@dataclass(frozen=True)
class Row:
    """A job that renders frames of a scene.

    scene   the name of the .blend
    ending  of the file that it makes: that of a picture, or ".tar"
    """

    job: int
    span: Span
    state: str
    reason: str
    scene: str
    ending: str

    @property
    def is_finished(self) -> bool:
        return self.state in FINAL


def row_of(job: Mapping[str, Any]) -> Row | None:
    """The row for a job as the site tells it; None if its parameters are not those of frames."""
    params = job["params"]
    try:
        span = Span(int(params["first"]), int(params["last"]), int(params.get("step") or 1))
        scene, made = PurePosixPath(params["scene"]).name, PurePosixPath(params["frames"])
    except (KeyError, ValueError, Failure):
        return None
    return Row(job["id"], span, job["state"], job["reason"], scene, made.suffix)


def finished_frames(rows: Iterable[Row]) -> dict[Row, list[int]]:
    """The jobs whose frames are there, and which of these count: of each frame its newest job, unless cancelled."""
    taken: set[int] = set()
    found: dict[Row, list[int]] = {}
    for row in sorted(rows, key=lambda row: -row.job):
        if row.state == "cancelled":
            continue
        left = [frame for frame in row.span.frames if frame not in taken]
        taken.update(left)
        if left and row.state == "succeeded":
            found[row] = left
    return found


def frame_of(name: str) -> int | None:
    """The frame that a file of Blender's shows: 12 for "0012.png"; None if it is named otherwise."""
    found = re.fullmatch(r"(\d{1,9})(?:\.[A-Za-z0-9]+)?", PurePosixPath(name).name)
    return int(found[1]) if found else None
