"""Timetables as JSON: what is read, and everything wrong told at once."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jobs.problems import Problem, Problems
from jobs.timing.timetable_json import MOST_ENTRIES, timetable_from_json, timetable_to_json
from jobs.timing.windows import DatedException, Holidays, Period, Timetable, Window, is_open
from tests.timing.builders import BERLIN, FRIDAY, SATURDAY, berlin

EVERYTHING: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "weekdays": ["Friday", "Saturday"],
    "periods": [{"begin": "22:00:00", "end": "06:00:00"}],
    "exceptions": [
        {"from": "2026-12-24", "to": "2026-12-26", "closed": True, "note": "Christmas"},
        {"from": "2026-12-31", "to": "2026-12-31", "periods": [{"begin": "10:00:00", "end": "12:00:00"}]},
    ],
    "holidays": {"country": "DE", "subdivision": "BY", "effect": "closed"},
}


def problems_of(data: object) -> dict[str | None, Problem]:
    with pytest.raises(Problems) as refused:
        timetable_from_json(data)
    return {problem.field: problem for problem in refused.value.problems}


def test_everything_that_can_be_said_is_read_and_said_again() -> None:
    table = timetable_from_json(EVERYTHING)

    assert table == Timetable(
        BERLIN,
        (Window(time(22), time(6), frozenset({FRIDAY, SATURDAY})),),
        (
            DatedException(date(2026, 12, 24), date(2026, 12, 26), note="Christmas"),
            DatedException(date(2026, 12, 31), date(2026, 12, 31), (Period(time(10), time(12)),)),
        ),
        Holidays("DE", "BY"),
    )
    assert timetable_to_json(table) == EVERYTHING


def test_an_empty_object_is_always_open_in_the_default_zone() -> None:
    table = timetable_from_json({}, default_zone=BERLIN)

    assert table == Timetable(BERLIN)
    assert timetable_from_json({}).zone == ZoneInfo("UTC")
    assert timetable_to_json(table) == {
        "zone": "Europe/Berlin",
        "weekdays": [],
        "periods": [],
        "exceptions": [],
        "holidays": None,
    }


def test_windows_with_weekdays_of_their_own_are_read_and_said_again() -> None:
    windows = [
        {"weekdays": ["Friday"], "begin": "22:00:00", "end": "06:00:00"},
        {"weekdays": ["Saturday"], "begin": "00:00:00", "end": "00:00:00"},
    ]

    table = timetable_from_json({"windows": windows})

    assert timetable_to_json(table)["windows"] == windows
    assert "periods" not in timetable_to_json(table)


def test_windows_that_share_their_weekdays_are_said_in_the_short_form() -> None:
    windows = [
        {"weekdays": ["Friday"], "begin": "08:00", "end": "09:00"},
        {"weekdays": ["fri"], "begin": "10:00", "end": "11:00"},
    ]

    said = timetable_to_json(timetable_from_json({"windows": windows}))

    assert said["weekdays"] == ["Friday"]
    assert said["periods"] == [
        {"begin": "08:00:00", "end": "09:00:00"},
        {"begin": "10:00:00", "end": "11:00:00"},
    ]


def test_an_exception_without_an_end_is_one_date() -> None:
    table = timetable_from_json({"exceptions": [{"from": "2026-12-24", "closed": True}]})

    assert table.exceptions == (DatedException(date(2026, 12, 24), date(2026, 12, 24)),)


def test_periods_may_overlap() -> None:
    periods = [{"begin": "08:00", "end": "12:00"}, {"begin": "11:00", "end": "13:00"}]

    assert is_open(timetable_from_json({"zone": "Europe/Berlin", "periods": periods}), berlin("2026-11-20 12:30"))


@pytest.mark.parametrize(
    ("begin", "end", "is_possible"),
    [
        pytest.param("22:00:00", "22:00:59", False, id="59 seconds"),
        pytest.param("22:00:00", "22:01:00", True, id="a minute"),
        pytest.param("22:00:00", "22:00:00", True, id="a whole day"),
        pytest.param("22:00:30", "22:00:00", True, id="nearly a day"),
    ],
)
def test_a_period_has_at_least_a_minute(begin: str, end: str, is_possible: bool) -> None:
    data = {"periods": [{"begin": begin, "end": end}]}

    if is_possible:
        assert timetable_from_json(data).windows
    else:
        assert "shorter than a minute" in problems_of(data)["periods.0.end"].message


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        pytest.param({"zoen": "UTC"}, "zoen", 'Did you mean "zone"?', id="unknown key"),
        pytest.param({"zone": None}, "zone", "None is not a known time zone", id="null zone"),
        pytest.param({"weekdays": "Friday"}, "weekdays", "not a list", id="weekdays as text"),
        pytest.param({"weekdays": None}, "weekdays", "not a list", id="null weekdays"),
        pytest.param({"weekdays": [4]}, "weekdays.0", "not a weekday", id="weekday as a number"),
        pytest.param({"periods": {}}, "periods", "a list with at most", id="periods as an object"),
        pytest.param({"periods": [{}] * (MOST_ENTRIES + 1)}, "periods", "a list with", id="too many periods"),
        pytest.param({"periods": ["22-06"]}, "periods.0", "not an object", id="period as text"),
        pytest.param({"periods": [{"begin": "22:00"}]}, "periods.0.end", "missing", id="no end"),
        pytest.param(
            {"periods": [{"begin": "22:00", "end": "06:00", "ends": 1}]},
            "periods.0.ends",
            'Did you mean "end"?',
            id="unknown key of a period",
        ),
        pytest.param({"weekdays": ["Friday"], "windows": []}, "weekdays", "Not both", id="both forms"),
        pytest.param(
            {"windows": [{"weekdays": [9], "begin": "22:00", "end": "06:00"}]}, "windows.0.weekdays.0", "9", id="window"
        ),
        pytest.param({"exceptions": [{"closed": True}]}, "exceptions.0.from", "missing", id="no date"),
        pytest.param({"exceptions": [{"from": "2026-12-24"}]}, "exceptions.0", "does not say", id="no change"),
        pytest.param(
            {"exceptions": [{"from": "2026-12-24", "closed": False}]}, "exceptions.0", "does not say", id="not closed"
        ),
        pytest.param(
            {"exceptions": [{"from": "2026-12-24", "closed": 1}]},
            "exceptions.0.closed",
            "neither true",
            id="closed as a number",
        ),
        pytest.param(
            {"exceptions": [{"from": "2026-12-24", "closed": True, "periods": [{"begin": "01:00", "end": "02:00"}]}]},
            "exceptions.0",
            "not both",
            id="closed and open",
        ),
        pytest.param(
            {"exceptions": [{"from": "2026-12-24", "to": "2026-12-23", "closed": True}]},
            "exceptions.0.to",
            "before it begins",
            id="ends before it begins",
        ),
        pytest.param(
            {"exceptions": [{"from": "2026-02-30", "closed": True}]},
            "exceptions.0.from",
            "no 2026-02-30",
            id="30 February",
        ),
        pytest.param(
            {"exceptions": [{"from": "2026-12-24", "closed": True, "note": 5}]},
            "exceptions.0.note",
            "note",
            id="note as a number",
        ),
        pytest.param({"holidays": "DE"}, "holidays", "not an object", id="holidays as text"),
        pytest.param({"holidays": {}}, "holidays.country", "both text", id="no country"),
        pytest.param({"holidays": {"country": "XX"}}, "holidays.country", "not known", id="unknown country"),
        pytest.param(
            {"holidays": {"country": "DE", "subdivision": "XX"}},
            "holidays.subdivision",
            "no subdivision",
            id="unknown subdivision",
        ),
        pytest.param(
            {"holidays": {"country": "DE", "effect": "close"}},
            "holidays.effect",
            'Did you mean "closed"?',
            id="unknown effect",
        ),
        pytest.param(
            {"holidays": {"country": "DE", "effect": []}}, "holidays.effect", "nothing a holiday", id="effect as a list"
        ),
        pytest.param([], None, "not an object", id="a list"),
        pytest.param(None, None, "not an object", id="null"),
        pytest.param({1: 2}, "1", "There is no key 1", id="a key that is no text"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(data: object, field: str | None, words: str) -> None:
    assert words in str(problems_of(data)[field])


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = problems_of(
        {
            "zone": "Europe/Berln",
            "weekdays": ["Mondey"],
            "periods": [{"begin": "25:00", "end": "24:00"}],
            "exceptions": [{"from": "2026-13-01", "note": 1}],
            "holidays": {"country": "XX", "effect": "x"},
            "title": "",
        }
    )

    assert set(found) == {
        "zone",
        "weekdays.0",
        "periods.0.begin",
        "periods.0.end",
        "exceptions.0",
        "exceptions.0.from",
        "exceptions.0.note",
        "holidays.country",
        "holidays.effect",
        "title",
    }
