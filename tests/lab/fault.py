"""A fault: how it is brought about, how long it stands, and what it may cost."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.lab.site import Shape
from tests.lab.yard import Lab

Details = dict[str, Any]
Injection = Callable[[Lab, random.Random], Iterator[Details]]
BOTH: Final[tuple[Shape, ...]] = ("site", "embedded")


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix, or one way of bringing it about.

    inject    up to its `yield` it breaks, after it it heals.
    seconds   how long it stands, from least to most.
    is_random whether the random driver may choose it; the others take long, or check something of their own.
    """

    row: str
    name: str
    inject: Injection
    expected: str
    seconds: tuple[float, float] = (1.0, 5.0)
    shapes: tuple[Shape, ...] = BOTH
    is_random: bool = True

    @property
    def code(self) -> str:
        return f"{self.row}-{self.name}"


@dataclass(slots=True)
class Catalogue:
    """The faults there are, in the order of the matrix."""

    faults: list[Fault] = field(default_factory=list)

    def add(self, row: str, name: str, *, expected: str, **choices: Any) -> Callable[[Injection], Injection]:
        """Decorates a generator that breaks something, yields what it broke, and heals it."""

        def register(inject: Injection) -> Injection:
            self.faults.append(Fault(row, name, inject, expected, **choices))
            return inject

        return register

    def chosen(self, words: list[str], *, shape: Shape) -> list[Fault]:
        """The faults of a shape that `words` name (`F13`, or `F13-partition`); all for random use without words.

        Raises ValueError for a word that names none.
        """
        possible = [fault for fault in self.faults if shape in fault.shapes]
        if not words:
            return [fault for fault in possible if fault.is_random]
        chosen = []
        for word in words:
            named = [fault for fault in possible if word in (fault.row, fault.code)]
            if not named:
                known = ", ".join(fault.code for fault in possible)
                raise ValueError(f"There is no fault {word} for the shape {shape}. Possible: {known}.")
            chosen += named
        return chosen


CATALOGUE: Final = Catalogue()
