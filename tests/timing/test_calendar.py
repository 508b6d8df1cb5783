"""Times, dates, weekdays and holidays are read strictly, and refused with what is possible."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, time

import pytest

from jobs.problems import Problems
from jobs.timing.calendar import check_holidays, is_holiday, parse_date, parse_time, parse_weekdays
from jobs.timing.problem import TimeProblem


@pytest.mark.parametrize(
    ("text", "expected"),
    [("22:00", time(22)), ("22:00:05", time(22, 0, 5)), ("00:00", time(0)), ("23:59:59", time(23, 59, 59))],
)
def test_a_time_of_day_has_minutes_or_seconds(text: str, expected: time) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        pytest.param("25:00", "Possible: HH:MM", id="hour 25"),
        pytest.param("24:00", 'Write "00:00"', id="24:00"),
        pytest.param("24:00:00", 'Write "00:00"', id="24:00:00"),
        pytest.param("24:01", "Possible: HH:MM", id="past 24:00"),
        pytest.param("12:60", "Possible: HH:MM", id="minute 60"),
        pytest.param("23:59:60", "Leap seconds", id="leap second"),
        pytest.param("8:00", 'Did you mean "08:00"?', id="one digit"),
        pytest.param("१२:००", "Possible: HH:MM", id="other digits"),
        pytest.param(" 12:00", "Possible: HH:MM", id="space before"),
        pytest.param("12:00\n", "Possible: HH:MM", id="newline behind"),
        pytest.param("12 :00", "Possible: HH:MM", id="space within"),
        pytest.param("12:00+02:00", "Possible: HH:MM", id="offset"),
        pytest.param("12:00:00.5", "Possible: HH:MM", id="fraction"),
        pytest.param("-1:00", "Possible: HH:MM", id="sign"),
        pytest.param("1200", "Possible: HH:MM", id="no colon"),
        pytest.param("noon", "Possible: HH:MM", id="word"),
        pytest.param("", "Possible: HH:MM", id="empty"),
        pytest.param(45000, "Possible: HH:MM", id="what YAML makes of 12:30:00"),
        pytest.param(None, "Possible: HH:MM", id="null"),
        pytest.param("9" * 1_000_000, "Possible: HH:MM", id="a megabyte"),
    ],
)
def test_what_is_no_time_of_day_is_refused(value: object, hint: str) -> None:
    with pytest.raises(TimeProblem) as refused:
        parse_time(value, field="begin")

    assert (refused.value.hint or "").startswith(hint)
    assert refused.value.field == "begin"
    assert len(refused.value.message) < 120


@pytest.mark.parametrize("text", ["1970-01-01", "2026-12-24", "2028-02-29", "2999-12-31"])
def test_a_date_is_year_month_day(text: str) -> None:
    assert parse_date(text) == date.fromisoformat(text)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        pytest.param("2026-02-30", "February 2026 has 28 days.", id="30 February"),
        pytest.param("2027-02-29", "February 2027 has 28 days.", id="29 February in a common year"),
        pytest.param("2026-04-31", "April 2026 has 30 days.", id="31 April"),
        pytest.param("2026-01-00", "January 2026 has 31 days.", id="day 0"),
        pytest.param("2026-13-01", "Possible: YYYY-MM-DD", id="month 13"),
        pytest.param("0000-01-01", "Possible: YYYY-MM-DD", id="year 0"),
        pytest.param("9999-12-31", "Possible: YYYY-MM-DD", id="year 9999"),
        pytest.param("10000-01-01", "Possible: YYYY-MM-DD", id="year 10000"),
        pytest.param("-001-01-01", "Possible: YYYY-MM-DD", id="year -1"),
        pytest.param("24.12.2026", "Possible: YYYY-MM-DD", id="other order"),
        pytest.param("20261224", "Possible: YYYY-MM-DD", id="no dashes"),
        pytest.param("2026-W52-4", "Possible: YYYY-MM-DD", id="week"),
        pytest.param("2026-12-24T00:00", "Possible: YYYY-MM-DD", id="with a time"),
        pytest.param("२०२६-१२-२४", "Possible: YYYY-MM-DD", id="other digits"),
        pytest.param(20261224, "Possible: YYYY-MM-DD", id="number"),
        pytest.param(None, "Possible: YYYY-MM-DD", id="null"),
    ],
)
def test_what_is_no_date_is_refused(value: object, hint: str) -> None:
    with pytest.raises(TimeProblem) as refused:
        parse_date(value, field="from")

    assert (refused.value.hint or "").startswith(hint)
    assert refused.value.field == "from"


def test_weekdays_are_english_names_in_any_letters() -> None:
    assert parse_weekdays(["Monday", "tue", "SUNDAY", "Mon"]) == {0, 1, 6}


def test_no_weekdays_stay_no_weekdays() -> None:
    assert parse_weekdays([]) == frozenset()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("Mondey", 'Did you mean "Monday"?', id="near"),
        pytest.param("Montag", 'Did you mean "Monday"?', id="other language"),
        pytest.param("x", "Possible: Monday, Tuesday", id="far"),
        pytest.param("", "Possible: Monday, Tuesday", id="empty"),
        pytest.param(0, "Possible: Monday, Tuesday", id="number"),
        pytest.param(True, "Possible: Monday, Tuesday", id="true"),
        pytest.param("1", "Possible: Monday, Tuesday", id="number as text"),
        pytest.param("x" * 1_000_000, "Possible: Monday, Tuesday", id="a megabyte"),
    ],
)
def test_what_is_no_weekday_is_refused_with_its_place(name: object, hint: str) -> None:
    with pytest.raises(Problems) as refused:
        parse_weekdays(["Friday", name], field="weekdays")

    (problem,) = refused.value.problems
    assert problem.field == "weekdays.1"
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize("value", ["Monday", {"Monday": True}, 1, None], ids=["text", "object", "number", "null"])
def test_weekdays_are_a_list(value: object) -> None:
    with pytest.raises(TimeProblem, match="not a list of weekdays"):
        parse_weekdays(value)


def test_every_wrong_weekday_is_told_at_once() -> None:
    with pytest.raises(Problems) as refused:
        parse_weekdays(["Mondey", "Friday", 7])

    assert [problem.field for problem in refused.value.problems] == ["0", "2"]


def test_a_holiday_observed_on_the_eve_of_the_year_counts() -> None:
    # 1 January 2022 was a Saturday.
    assert is_holiday(date(2021, 12, 31), country="US")
    assert not is_holiday(date(2022, 12, 31), country="US")


@pytest.mark.parametrize(
    ("country", "subdivision", "field", "hint"),
    [
        pytest.param("XX", None, "country", "Possible: two-letter codes", id="no such country"),
        pytest.param("de", None, "country", 'Did you mean "DE"?', id="small letters"),
        pytest.param("DEU", None, "country", "Possible: two-letter codes", id="three letters"),
        pytest.param("", None, "country", "Possible: two-letter codes", id="empty"),
        pytest.param("DE", "by", "subdivision", 'Did you mean "BY"?', id="subdivision in small letters"),
        pytest.param("DE", "Augsborg", "subdivision", 'Did you mean "Augsburg"?', id="near subdivision"),
        pytest.param("DE", "TX", "subdivision", 'There is "', id="subdivision of another country"),
        pytest.param("JP", "TX", "subdivision", "It is known as a whole only.", id="no subdivisions"),
    ],
)
def test_unknown_places_of_holidays_are_refused(country: str, subdivision: str | None, field: str, hint: str) -> None:
    with pytest.raises(TimeProblem) as refused:
        check_holidays(country, subdivision=subdivision)

    assert refused.value.field == field
    assert (refused.value.hint or "").startswith(hint)


def test_a_process_that_asks_for_no_holidays_does_not_load_them() -> None:
    program = (
        "import sys, datetime, zoneinfo; from jobs.timing import windows, timetable_json, wording;"
        "table = timetable_json.timetable_from_json({'weekdays': ['Friday']});"
        "windows.next_change(table, datetime.datetime.now(datetime.UTC));"
        "print('holidays' in sys.modules, 'django' in sys.modules)"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.split() == ["False", "False"]
