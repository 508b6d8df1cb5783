"""Dates that differ from the week: exceptions and public holidays."""

from __future__ import annotations

import pytest

from jobs.timing.problem import TimeProblem
from jobs.timing.windows import Holidays, closes_at, is_open, next_change, next_opening
from tests.timing.builders import MONDAY, berlin, on_dates, timetable

GERMAN_HOLIDAYS = Holidays("DE")


def test_an_exception_closes_its_dates_whatever_the_week_says() -> None:
    table = timetable("22:00-06:00", exceptions=(on_dates("2026-12-24", "2026-12-26"),))

    assert is_open(table, berlin("2026-12-23 23:00"))
    assert is_open(table, berlin("2026-12-24 05:59")), "the night before belongs to the day it began on"
    assert not is_open(table, berlin("2026-12-24 22:00"))
    assert not is_open(table, berlin("2026-12-27 05:59")), "a night that never began does not end"
    assert next_opening(table, berlin("2026-12-24 12:00")) == berlin("2026-12-27 22:00")


def test_an_exception_may_have_periods_of_its_own() -> None:
    table = timetable("22:00-06:00", exceptions=(on_dates("2026-12-24", "2026-12-24", "10:00-12:00"),))

    assert is_open(table, berlin("2026-12-24 11:00"))
    assert not is_open(table, berlin("2026-12-24 23:00"))


def test_an_exception_may_open_a_date_that_no_window_begins_on() -> None:
    table = timetable(weekdays={MONDAY}, exceptions=(on_dates("2026-12-24", "2026-12-24", "00:00-00:00"),))

    assert closes_at(table, berlin("2026-12-24 00:00")) == berlin("2026-12-25 00:00")


@pytest.mark.parametrize("is_reversed", [False, True], ids=["longest first", "shortest first"])
def test_the_shortest_exception_of_a_date_counts(is_reversed: bool) -> None:
    exceptions = (on_dates("2026-12-21", "2026-12-31"), on_dates("2026-12-28", "2026-12-28", "10:00-12:00"))
    table = timetable(exceptions=exceptions[::-1] if is_reversed else exceptions)

    assert is_open(table, berlin("2026-12-28 11:00"))
    assert not is_open(table, berlin("2026-12-29 11:00"))


def test_of_equally_long_exceptions_the_last_counts() -> None:
    closed, opened = on_dates("2026-12-28", "2026-12-28"), on_dates("2026-12-28", "2026-12-28", "10:00-12:00")

    assert is_open(timetable(exceptions=(closed, opened)), berlin("2026-12-28 11:00"))
    assert not is_open(timetable(exceptions=(opened, closed)), berlin("2026-12-28 11:00"))


def test_an_exception_on_the_next_leap_day_is_within_sight() -> None:
    table = timetable(exceptions=(on_dates("2028-02-29", "2028-02-29"),))

    assert next_change(table, berlin("2024-03-01")) == berlin("2028-02-29")
    assert closes_at(table, berlin("2024-03-01")) == berlin("2028-02-29")


def test_what_opens_only_beyond_the_horizon_is_not_seen_until_nearer() -> None:
    table = timetable(exceptions=(on_dates("2000-01-01", "2039-12-31"),))

    assert next_change(table, berlin("2026-11-20")) is None
    assert next_opening(table, berlin("2026-11-20")) is None
    assert next_opening(table, berlin("2036-11-20")) == berlin("2040-01-01")


def test_no_window_begins_on_a_public_holiday() -> None:
    table = timetable("22:00-06:00", holidays=GERMAN_HOLIDAYS)

    assert is_open(table, berlin("2026-12-25 05:00")), "the night of the 24th, which is no holiday"
    assert not is_open(table, berlin("2026-12-25 23:00"))
    assert next_opening(table, berlin("2026-12-25 06:00")) == berlin("2026-12-27 22:00")


def test_ignored_holidays_are_ordinary_days() -> None:
    table = timetable("22:00-06:00", holidays=Holidays("DE", effect="ignored"))

    assert is_open(table, berlin("2026-12-25 23:00"))


def test_holidays_of_a_part_of_a_country() -> None:
    epiphany = berlin("2027-01-06 12:00")

    assert is_open(timetable(holidays=GERMAN_HOLIDAYS), epiphany)
    assert not is_open(timetable(holidays=Holidays("DE", "BY")), epiphany)


def test_an_exception_is_stronger_than_a_holiday() -> None:
    table = timetable(
        "22:00-06:00", holidays=GERMAN_HOLIDAYS, exceptions=(on_dates("2026-12-25", "2026-12-25", "08:00-09:00"),)
    )

    assert is_open(table, berlin("2026-12-25 08:30"))


def test_holidays_of_an_unknown_country_are_refused() -> None:
    table = timetable(holidays=Holidays("XX"))

    with pytest.raises(TimeProblem, match="XX"):
        is_open(table, berlin("2026-12-25 08:30"))
