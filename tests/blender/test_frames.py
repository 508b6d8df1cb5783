"""How frames are shared out among jobs, and which pictures count."""

from __future__ import annotations

from typing import Any

import pytest

from batchyard_blender.failures import Failure
from batchyard_blender.frames import Row, Span, finished_frames, frame_of, row_of


def make_row(job: int, first: int, last: int, state: str = "succeeded") -> Row:
    return Row(job=job, span=Span(first, last), state=state, reason="", scene="cat.blend", ending=".tar")


def ends(spans: list[Span]) -> list[tuple[int, int]]:
    return [(span.first, span.last) for span in spans]


@pytest.mark.parametrize(
    ("span", "size", "expected"),
    [
        pytest.param(Span(1, 3), 1, [(1, 1), (2, 2), (3, 3)], id="one each"),
        pytest.param(Span(1, 5), 2, [(1, 2), (3, 4), (5, 5)], id="a shorter last one"),
        pytest.param(Span(1, 5), 100, [(1, 5)], id="all in one"),
        pytest.param(Span(1, 10, 4), 2, [(1, 5), (9, 9)], id="by a step"),
        pytest.param(Span(0, 2), 2, [(0, 1), (2, 2)], id="from zero"),
    ],
)
def test_every_frame_is_in_one_job(span: Span, size: int, expected: list[tuple[int, int]]) -> None:
    chunks = span.chunks(size)

    assert ends(chunks) == expected
    assert [frame for chunk in chunks for frame in chunk.frames] == list(span.frames)


@pytest.mark.parametrize(
    ("first", "last", "step", "told"),
    [
        pytest.param(-2, 1, 1, "Frame -2 is before 0", id="before zero"),
        pytest.param(10, 1, 1, "first frame, 10, is behind the last, 1", id="backwards"),
        pytest.param(1, 10, 0, "frame step is 0", id="no step"),
    ],
)
def test_a_range_without_frames_is_refused(first: int, last: int, step: int, told: str) -> None:
    with pytest.raises(Failure, match=told):
        Span(first, last, step)


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 frames a job are none"), (9, "Give at least 10 frames to a job")], ids=["none", "few"]
)
def test_a_chunk_that_cannot_be_is_refused(size: int, told: str) -> None:
    with pytest.raises(Failure, match=told):
        Span(1, 1_000_000).chunks(size)


@pytest.mark.parametrize(
    ("span", "text", "name"),
    [
        (Span(7, 7), "7", "0007"),
        (Span(1, 10), "1-10", "0001-0010"),
        (Span(1, 9, 2), "1-9 by 2", "0001-0009"),
        (Span(5, 6, 2), "5", "0005"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_frames_are_told_as_people_write_them(span: Span, text: str, name: str) -> None:
    assert (span.text, span.name) == (text, name)


def test_of_each_frame_its_newest_job_counts() -> None:
    old, new = make_row(1, 1, 4), make_row(2, 3, 4)

    assert finished_frames([old, new]) == {new: [3, 4], old: [1, 2]}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param("running", [], id="a picture that is being made anew is not taken"),
        pytest.param("failed", [], id="nor one that could not be"),
        pytest.param("cancelled", [1, 2], id="what was cancelled says nothing"),
    ],
)
def test_a_newer_job_that_made_nothing(state: str, expected: list[int]) -> None:
    found = finished_frames([make_row(1, 1, 2), make_row(2, 1, 2, state)])

    assert [frame for frames in found.values() for frame in frames] == expected


@pytest.mark.parametrize(
    ("name", "frame"),
    [("0012.png", 12), ("./0012.exr", 12), ("-001.png", None), ("12", 12), ("0001_L.png", None), ("x.png", None)],
)
def test_the_frame_that_a_file_shows(name: str, frame: int | None) -> None:
    assert frame_of(name) == frame


PARAMS = {"scene": "blender/x/cat.blend", "frames": "blender/x/1.png", "first": "1", "last": "1", "step": "1"}


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({**PARAMS, "first": "one"}, id="no number"),
        pytest.param({**PARAMS, "last": "0"}, id="no frames"),
        pytest.param({"command": "true"}, id="another type"),
    ],
)
def test_a_job_that_is_about_something_else_is_no_row(params: dict[str, str]) -> None:
    assert row_of({"id": 1, "params": params, "state": "ready", "reason": ""}) is None


def test_a_job_tells_of_its_frames() -> None:
    job: dict[str, Any] = {"id": 5, "params": PARAMS, "state": "ready", "reason": "Waits."}

    assert row_of(job) == Row(5, Span(1, 1), "ready", "Waits.", "cat.blend", ".png")
