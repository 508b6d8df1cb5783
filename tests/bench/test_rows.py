"""Figures are compared with their marks as the table says."""

from __future__ import annotations

import pytest

from bench.rows import Mark, NotMeasured, Row, at_least, at_most, percentile
from bench.table import as_json, number, table


@pytest.mark.parametrize(
    ("mark", "value", "ratio", "expected"),
    [
        pytest.param(at_least(0.12, of="ratio"), 300.0, 0.12, True, id="a ratio at its bound"),
        pytest.param(at_least(0.12, of="ratio"), 300.0, 0.119, False, id="a ratio below it, whatever the value"),
        pytest.param(at_most(50), 50.0, None, True, id="a value at its upper bound"),
        pytest.param(at_most(50), 50.1, None, False, id="a value above it"),
        pytest.param(at_least(2), 1.9, 5.0, False, id="a value below its lower bound, whatever the ratio"),
    ],
)
def test_a_mark_is_reached_at_its_bound(mark: Mark, value: float, ratio: float | None, expected: bool) -> None:
    row = Row(what="x", value=value, unit="ms", ratio=ratio, mark=mark)

    assert row.is_reached is expected


def test_a_row_without_a_mark_is_neither_reached_nor_missed() -> None:
    assert Row(what="x", value=1, unit="ms").is_reached is None


def test_a_mark_of_a_ratio_that_was_not_taken_is_an_error() -> None:
    row = Row(what="x", value=1, unit="jobs/s", mark=at_least(0.1, of="ratio"))

    with pytest.raises(NotMeasured, match='"x"'):
        _ = row.is_reached


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        pytest.param(50, 2.0, id="half of an even count"),
        pytest.param(95, 4.0, id="the worst of few"),
        pytest.param(100, 4.0, id="the worst"),
    ],
)
def test_a_percentile_is_one_of_the_figures(percent: int, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == expected


def test_no_figures_have_no_percentile() -> None:
    with pytest.raises(NotMeasured):
        percentile([], 50)


def test_the_table_is_aligned() -> None:
    rows = [
        Row(what="short", value=1234.5, unit="jobs/s", ratio=0.5, mark=at_least(0.12, of="ratio")),
        Row(what="something longer", value=1.234, unit="ms", mark=at_most(1)),
    ]

    assert table(rows).splitlines() == [
        "what              value  unit     × R1  first mark   reached",
        "----------------  -----  ------  -----  -----------  -------",
        "short             1,234  jobs/s  0.500  ≥ 0.12 × R1  yes",
        "something longer   1.23  ms             ≤ 1          no",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(0.1234, "0.12", id="small"),
        pytest.param(12.34, "12.3", id="tens"),
        pytest.param(1234567.0, "1,234,567", id="large"),
    ],
)
def test_a_number_shows_the_digits_that_count(value: float, expected: str) -> None:
    assert number(value) == expected


def test_json_tells_the_raw_figures_and_the_mark() -> None:
    row = Row(what="x", value=3.0, unit="ms", mark=at_most(5), figures={"all": [3.0]})

    told = as_json(row)

    assert (told["figures"], told["mark"], told["is_reached"]) == ({"all": [3.0]}, "≤ 5", True)
