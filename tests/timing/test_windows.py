"""Windows: what belongs to them, on ordinary days and on days that daylight saving changes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from jobs.timing.windows import (
    HORIZON,
    Timetable,
    Window,
    closes_at,
    intervals,
    is_open,
    next_change,
    next_opening,
    weekly,
)
from tests.timing.builders import (
    BERLIN,
    FRIDAY,
    MONDAY,
    SATURDAY,
    THURSDAY,
    WEDNESDAY,
    berlin,
    on_dates,
    timetable,
    utc,
)

FRIDAY_NIGHT = timetable("22:00-06:00", weekdays={FRIDAY})


@pytest.mark.meets("BD-19")
@pytest.mark.parametrize(
    ("zone", "day", "text", "opens", "closes"),
    [
        pytest.param(
            "Europe/Berlin",
            "2026-03-28",
            "22:00-06:00",
            "2026-03-28T21:00",
            "2026-03-29T04:00",
            id="a night over the gap has 7 hours",
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-10-24",
            "22:00-06:00",
            "2026-10-24T20:00",
            "2026-10-25T05:00",
            id="a night over the fold has 9 hours",
        ),
        pytest.param("Europe/Berlin", "2026-03-29", "02:10-02:50", None, None, id="inside the gap it never opens"),
        pytest.param(
            "Europe/Berlin",
            "2026-03-29",
            "02:30-05:00",
            "2026-03-29T01:00",
            "2026-03-29T03:00",
            id="a begin in the gap is the change",
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-03-29",
            "01:00-02:30",
            "2026-03-29T00:00",
            "2026-03-29T01:00",
            id="an end in the gap is the change",
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-10-25",
            "02:30-05:00",
            "2026-10-25T00:30",
            "2026-10-25T04:00",
            id="a begin in the fold is its first occurrence",
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-10-25",
            "01:00-02:30",
            "2026-10-24T23:00",
            "2026-10-25T00:30",
            id="an end in the fold is its first occurrence",
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-10-25",
            "02:10-02:50",
            "2026-10-25T00:10",
            "2026-10-25T00:50",
            id="inside the fold it opens once",
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-03-29",
            "00:00-00:00",
            "2026-03-28T23:00",
            "2026-03-29T22:00",
            id="a whole day of 23 hours",
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-10-25",
            "00:00-00:00",
            "2026-10-24T22:00",
            "2026-10-25T23:00",
            id="a whole day of 25 hours",
        ),
        pytest.param(
            "Africa/Cairo",
            "2026-04-24",
            "00:00-06:00",
            "2026-04-23T22:00",
            "2026-04-24T03:00",
            id="the day starts at one",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "2026-04-05",
            "01:00-03:00",
            "2026-04-04T14:00",
            "2026-04-04T16:30",
            id="a fold of half an hour",
        ),
        pytest.param("Pacific/Apia", "2011-12-30", "00:00-00:00", None, None, id="the day that does not exist"),
        pytest.param(
            "Europe/Berlin",
            "2026-06-10",
            "22:00-06:00",
            "2026-06-10T20:00",
            "2026-06-11T04:00",
            id="an ordinary night",
        ),
    ],
)
def test_a_window_is_one_interval_per_local_date(
    zone: str, day: str, text: str, opens: str | None, closes: str | None
) -> None:
    # Closed in all the years but on that one date, so the interval stands alone.
    table = timetable(zone=zone, exceptions=(on_dates("1990-01-01", "2100-01-01"), on_dates(day, day, text)))

    found = list(intervals(table, start=utc(day) - timedelta(days=3), end=utc(day) + timedelta(days=4)))

    assert found == ([(utc(opens), utc(closes))] if opens and closes else [])


@pytest.mark.meets("BD-18")
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param("2026-11-19 23:00", False, id="Thursday night"),
        pytest.param("2026-11-20 05:00", False, id="Friday morning is Thursday's night"),
        pytest.param("2026-11-20 21:59:59.999999", False, id="just before it begins"),
        pytest.param("2026-11-20 22:00", True, id="the begin is included"),
        pytest.param("2026-11-20 23:00", True, id="Friday night"),
        pytest.param("2026-11-21 05:59", True, id="Saturday morning is still Friday's"),
        pytest.param("2026-11-21 06:00", False, id="the end is excluded"),
        pytest.param("2026-11-21 06:01", False, id="after it"),
        pytest.param("2026-11-21 23:00", False, id="Saturday night"),
        pytest.param("2026-11-23 02:00", False, id="Monday morning"),
    ],
)
def test_a_window_across_midnight_belongs_to_the_day_it_begins_on(moment: str, expected: bool) -> None:
    assert is_open(FRIDAY_NIGHT, berlin(moment)) is expected


@pytest.mark.meets("BD-17")
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param("2026-11-20 07:59:59", False, id="before"),
        pytest.param("2026-11-20 08:00:00", True, id="begin included"),
        pytest.param("2026-11-20 18:59:59", True, id="last second"),
        pytest.param("2026-11-20 19:00:00", False, id="end excluded"),
    ],
)
def test_the_begin_is_included_and_the_end_is_not(moment: str, expected: bool) -> None:
    assert is_open(timetable("08:00:00-19:00:00"), berlin(moment)) is expected


@pytest.mark.meets("BD-16")
def test_nothing_said_is_always_open() -> None:
    at = utc("2026-11-20")

    assert is_open(timetable(), at)
    assert next_opening(timetable(), at) == at
    assert closes_at(timetable(), at) is None
    assert next_change(timetable(), at) is None


@pytest.mark.meets("BD-16")
def test_weekdays_alone_are_whole_days() -> None:
    table = timetable(weekdays={WEDNESDAY, THURSDAY})

    found = list(intervals(table, start=berlin("2026-11-15"), end=berlin("2026-11-22")))

    assert found == [(berlin("2026-11-18"), berlin("2026-11-20"))]


@pytest.mark.meets("BD-16")
def test_weekdays_and_several_periods_are_each_period_on_each_weekday() -> None:
    table = timetable("08:00-12:00", "13:00-17:00", weekdays={MONDAY, FRIDAY})

    found = list(intervals(table, start=berlin("2026-11-20"), end=berlin("2026-11-24")))

    assert found == [
        (berlin("2026-11-20 08:00"), berlin("2026-11-20 12:00")),
        (berlin("2026-11-20 13:00"), berlin("2026-11-20 17:00")),
        (berlin("2026-11-23 08:00"), berlin("2026-11-23 12:00")),
        (berlin("2026-11-23 13:00"), berlin("2026-11-23 17:00")),
    ]


def test_windows_may_have_weekdays_of_their_own() -> None:
    workday_nights = weekly(weekdays=range(MONDAY, FRIDAY), periods=[Window(time(22), time(6))])
    table = Timetable(BERLIN, (*workday_nights, Window(weekdays=frozenset({SATURDAY}))))

    assert is_open(table, berlin("2026-11-19 23:00"))
    assert not is_open(table, berlin("2026-11-20 23:00"))
    assert is_open(table, berlin("2026-11-21 12:00"))


@pytest.mark.parametrize(
    "periods",
    [
        pytest.param(["00:00-12:00", "12:00-00:00"], id="two that touch"),
        pytest.param(["00:00-14:00", "09:00-00:00"], id="two that overlap"),
        pytest.param(["06:00-06:00"], id="whole days from the morning"),
        pytest.param(["22:00-10:00", "09:00-23:00"], id="across midnight"),
    ],
)
def test_windows_that_touch_or_overlap_never_change(periods: list[str]) -> None:
    table = timetable(*periods)
    at = berlin("2026-10-20 12:00")

    assert next_change(table, at) is None
    assert len(list(intervals(table, start=at, end=at + timedelta(days=30)))) == 1


def test_touching_weekdays_are_one_interval_seen_whole_from_within() -> None:
    table = timetable(weekdays={MONDAY, MONDAY + 1, WEDNESDAY})
    whole = (berlin("2026-11-16"), berlin("2026-11-19"))

    assert list(intervals(table, start=berlin("2026-11-17 12:00"), end=berlin("2026-11-17 12:01"))) == [whole]
    assert closes_at(table, berlin("2026-11-16 00:00")) == whole[1]


def test_intervals_that_never_end_are_cut_at_the_horizon() -> None:
    start, end = utc("2026-11-20"), utc("2026-11-21")

    assert list(intervals(timetable(), start=start, end=end)) == [(start - HORIZON, end + HORIZON)]
    assert list(intervals(timetable("00:00-12:00", "12:00-00:00"), start=start, end=end)) == [
        (start - HORIZON, end + HORIZON)
    ]


def test_an_interval_that_ends_as_the_span_starts_is_not_in_it() -> None:
    table = timetable("08:00-10:00")

    assert list(intervals(table, start=berlin("2026-11-20 10:00"), end=berlin("2026-11-21 08:00"))) == []
    assert list(intervals(table, start=berlin("2026-11-20 10:00"), end=berlin("2026-11-20 10:00"))) == []


def test_the_next_opening_is_the_moment_itself_if_open() -> None:
    assert next_opening(FRIDAY_NIGHT, berlin("2026-11-20 23:00")) == berlin("2026-11-20 23:00")
    assert next_opening(FRIDAY_NIGHT, berlin("2026-11-21 06:00")) == berlin("2026-11-27 22:00")


def test_closes_at_is_the_end_while_open_and_none_while_closed() -> None:
    assert closes_at(FRIDAY_NIGHT, berlin("2026-11-20 22:00")) == berlin("2026-11-21 06:00")
    assert closes_at(FRIDAY_NIGHT, berlin("2026-11-21 06:00")) is None


def test_changes_alternate_between_opening_and_closing() -> None:
    first = next_change(FRIDAY_NIGHT, berlin("2026-11-18"))
    assert first == berlin("2026-11-20 22:00")

    second = next_change(FRIDAY_NIGHT, first)
    assert second == berlin("2026-11-21 06:00")

    assert next_change(FRIDAY_NIGHT, second) == berlin("2026-11-27 22:00")


def test_answers_are_in_utc_whatever_zone_asks() -> None:
    asked = datetime(2026, 11, 20, 14, 30, tzinfo=ZoneInfo("America/New_York"))

    assert next_opening(FRIDAY_NIGHT, asked) == datetime(2026, 11, 20, 21, tzinfo=UTC)
    assert [str(end.tzinfo) for end in next(intervals(timetable(), start=asked, end=asked + HORIZON))] == [
        "UTC",
        "UTC",
    ]


def test_the_nights_around_a_skipped_day_are_one() -> None:
    table = timetable("22:00-06:00", zone="Pacific/Apia")
    found = islice(intervals(table, start=utc("2011-12-30T06:00"), end=utc("2012-01-01")), 2)

    assert list(found) == [
        # Two hours of the 29th's night; then, at the change, the skipped 30th's begins and touches it.
        (utc("2011-12-30T08:00"), utc("2011-12-30T16:00")),
        (utc("2011-12-31T08:00"), utc("2011-12-31T16:00")),
    ]


def test_days_that_a_skipped_day_parts_are_one_interval_seen_whole_from_the_second() -> None:
    table = timetable(weekdays={THURSDAY, SATURDAY}, zone="Pacific/Apia")
    noon_of_the_31st = utc("2011-12-30T22:00")

    found = list(intervals(table, start=noon_of_the_31st, end=noon_of_the_31st + timedelta(hours=1)))

    assert found == [(utc("2011-12-29T10:00"), utc("2011-12-31T10:00"))]


def test_a_window_that_begins_as_clocks_go_back_over_midnight_stays_open() -> None:
    # At 00:01 on 7 November 2010 clocks went back to 23:01 on the 6th.
    table = timetable("00:00-02:00", zone="America/St_Johns")

    assert not is_open(table, utc("2010-11-07T02:29"))
    assert is_open(table, utc("2010-11-07T02:30"))
    assert is_open(table, utc("2010-11-07T03:00")), "23:30 on the 6th, for the second time"


@pytest.mark.parametrize("ask", [is_open, next_opening, next_change, closes_at])
@pytest.mark.parametrize("table", [timetable(), FRIDAY_NIGHT], ids=["always open", "Friday night"])
def test_a_naive_moment_is_refused(ask: object, table: Timetable) -> None:
    assert callable(ask)
    with pytest.raises(ValueError, match="no time zone"):
        ask(table, datetime(2026, 11, 20))  # noqa: DTZ001


@pytest.mark.parametrize("year", [1, 1899, 9991, 9999])
def test_a_moment_that_is_far_off_is_refused(year: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        next_change(FRIDAY_NIGHT, datetime(year, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("year", [1900, 2038, 2500, 9990])
def test_far_years_have_answers(year: int) -> None:
    at = datetime(year, 7, 1, tzinfo=UTC)

    opening = next_opening(FRIDAY_NIGHT, at)

    assert opening is not None
    assert at < opening < at + timedelta(days=7)
    assert is_open(FRIDAY_NIGHT, opening)
