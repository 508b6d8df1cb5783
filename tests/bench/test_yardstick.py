"""A rate is that of the round in the middle, by its ratio to what the machine could do around it."""

from __future__ import annotations

from pathlib import Path

from bench.rows import Plan
from bench.yardstick import Rated, rated


def test_the_round_in_the_middle_is_told() -> None:
    found = Rated([100.0, 30.0, 300.0], [1000.0, 1000.0, 200.0, 1800.0])

    assert (found.rate, found.ratio) == (100.0, 0.1)


def test_a_quick_look_has_one_round(tmp_path: Path) -> None:
    given = iter([50.0])

    found = rated(Plan(tmp_path, is_quick=True), lambda: next(given))

    assert (found.rates, len(found.yardsticks)) == ([50.0], 2)
