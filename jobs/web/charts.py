"""Charts as SVG paths: figures over a period, drawn by the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from jobs.measures.history import Line

WIDTH: Final = 640
HEIGHT: Final = 160
# Drawn finer nobody could see it.
STEPS: Final = 320

# Of curves whose words say nothing of good and bad.
COLOURS: Final = ("busy", "odd", "ready", "wait")

Steps = Iterator[tuple[datetime, float | None]]
Gaps = Sequence[tuple[datetime, datetime]]


class Figure(NamedTuple):
    """A label, the values at the steps of a period, and a colour, if it has one of its own."""

    label: str
    values: Steps
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure of a chart: its label, its path, its value at the end, and its colour."""

    label: str
    path: str
    last: str
    colour: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures over one period, and what is at the top of its scale."""

    title: str
    top: str
    curves: list[Curve]
    ticks: list[datetime]


def level(line: Line, *, begin: datetime, end: datetime) -> Steps:
    """The value of a figure at each step of a period."""
    for moment in _moments(begin, end):
        yield moment, line.at(moment)


def per_minute(line: Line, *, begin: datetime, end: datetime) -> Steps:
    """By how much a total rises in a minute, at each step. A total that begins anew has not risen."""
    width = max((end - begin) / STEPS, timedelta(minutes=1))
    for moment in _moments(begin, end):
        before, now = line.at(moment - width), line.at(moment)
        risen = None if before is None or now is None else max(0.0, now - before)
        yield moment, None if risen is None else risen / (width / timedelta(minutes=1))


def chart(
    title: str, figures: Sequence[Figure], *, begin: datetime,
    end: datetime, gaps: Gaps, shown: Callable[[float], str] = "{:g}".format,
) -> Chart:  # fmt: skip
    """A chart of `figures`, by label. What nobody looked at is left out of the curves."""
    known = [(figure, [*figure.values]) for figure in figures]
    top = max((value for _figure, values in known for _at, value in values if value is not None), default=0.0) or 1.0
    curves = [
        Curve(
            figure.label, _path(values, begin=begin, end=end, top=top, gaps=gaps), _last(values, shown),
            figure.colour or COLOURS[number % len(COLOURS)],
        )
        for number, (figure, values) in enumerate(known)
    ]  # fmt: skip
    return Chart(title, shown(top), curves, list(_ticks(begin, end)))


def _moments(begin: datetime, end: datetime) -> Iterator[datetime]:
    return (begin + (end - begin) * step / STEPS for step in range(STEPS + 1))


def _last(values: Sequence[tuple[datetime, float | None]], shown: Callable[[float], str]) -> str:
    value = values[-1][1] if values else None
    return "–" if value is None else shown(value)


def _path(
    values: Sequence[tuple[datetime, float | None]], *, begin: datetime, end: datetime, top: float, gaps: Gaps
) -> str:
    parts, is_drawing = [], False
    for at, value in values:
        if value is None or any(first < at < last for first, last in gaps):
            is_drawing = False
            continue
        x, y = _x(at, begin, end), HEIGHT - HEIGHT * value / top
        parts.append(f"{'L' if is_drawing else 'M'}{x:.1f} {y:.1f}")
        is_drawing = True
    return "".join(parts)


def _x(at: datetime, begin: datetime, end: datetime) -> float:
    return WIDTH * ((at - begin) / (end - begin))


def _ticks(begin: datetime, end: datetime) -> Iterator[datetime]:
    return (begin + (end - begin) * quarter / 4 for quarter in range(5))
