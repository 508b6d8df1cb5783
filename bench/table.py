"""Rows as one aligned table for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from bench.rows import Figures, Row

HEAD: Final = ("what", "value", "unit", "× R1", "first mark", "reached")
RIGHT: Final = frozenset({1, 3})


def table(rows: Sequence[Row]) -> str:
    """One line for each row, in columns."""
    lines = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_line(line, widths) for line in lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    sized = (
        cell.rjust(width) if place in RIGHT else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(sized).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
    reached = {None: "", True: "yes", False: "no"}[row.is_reached]
    return row.what, number(row.value), row.unit, ratio, str(row.mark or ""), reached


def number(value: float) -> str:
    """Three digits that count; no more are true."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def as_json(row: Row) -> Figures:
    """All that is known of a row."""
    return {**asdict(row), "mark": str(row.mark) if row.mark else None, "is_reached": row.is_reached}
