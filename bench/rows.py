"""What a measurement gives: rows with a value, what it is compared with, and all raw figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

Figures = dict[str, Any]


class NotMeasured(Exception):
    """A measurement gave no figure; the text says why."""


class NotPossible(Exception):
    """A measurement cannot be taken on this machine; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a row must reach: a bound of its value, or of its ratio to the yardstick R1."""

    of: Literal["value", "ratio"]
    bound: float
    is_upper: bool

    def __str__(self) -> str:
        return f"{'≤' if self.is_upper else '≥'} {self.bound:g}{' × R1' if self.of == 'ratio' else ''}"

    def is_reached(self, row: Row) -> bool:
        """Whether `row` reaches it. Raises NotMeasured if the row has no ratio to compare."""
        figure = row.value if self.of == "value" else row.ratio
        if figure is None:
            raise NotMeasured(f'Row "{row.what}" has a mark for its ratio to R1, but no ratio.')
        return figure <= self.bound if self.is_upper else figure >= self.bound


def at_least(bound: float, *, of: Literal["value", "ratio"] = "value") -> Mark:
    return Mark(of, bound, is_upper=False)


def at_most(bound: float) -> Mark:
    return Mark("value", bound, is_upper=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `ratio` is the value divided by R1 of the same minute."""

    what: str
    value: float
    unit: str
    ratio: float | None = None
    mark: Mark | None = None
    figures: Figures = field(default_factory=dict)

    @property
    def is_reached(self) -> bool | None:
        """None: the row has no mark."""
        return None if self.mark is None else self.mark.is_reached(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a bench is, and where its directories are made."""

    directory: Path
    is_quick: bool

    def count(self, full: int, *, quick: int) -> int:
        return quick if self.is_quick else full


HALF: Final = 50
P95: Final = 95
P99: Final = 99


def percentile(figures: Sequence[float], percent: int) -> float:
    """The smallest figure that `percent` of them do not exceed (nearest rank). Raises NotMeasured without any."""
    if not figures:
        raise NotMeasured("There are no figures to take a percentile of.")
    rank = max(1, math.ceil(len(figures) * percent / 100))
    return sorted(figures)[rank - 1]
