from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from yard.failures import Usage
from yard.times import lasted, moment, past, past_day, span, told

BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday.
NOON = datetime(2026, 1, 14, 12, 0, tzinfo=BERLIN)


@pytest.mark.meets("BD-58")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("now", "2026-01-14 11:00", id="now"),
        pytest.param("22:00", "2026-01-14 21:00", id="later today"),
        pytest.param("6:30", "2026-01-15 05:30", id="past today, so tomorrow"),
        pytest.param("12:00", "2026-01-15 11:00", id="this very minute is past"),
        pytest.param("today 23:15", "2026-01-14 22:15", id="today"),
        pytest.param("tomorrow", "2026-01-14 23:00", id="a day begins at midnight"),
        pytest.param("Tomorrow at 6:30", "2026-01-15 05:30", id="in words"),
        pytest.param("in 2 hours", "2026-01-14 13:00", id="a while"),
        pytest.param("in 1 day", "2026-01-15 11:00", id="one of them"),
        pytest.param("+90m", "2026-01-14 12:30", id="in short"),
        pytest.param("next monday 8:00", "2026-01-19 07:00", id="weekday"),
        pytest.param("wednesday", "2026-01-20 23:00", id="today's weekday is next week"),
        pytest.param("2026-07-01 08:00", "2026-07-01 06:00", id="in summer"),
        pytest.param("2026-07-01T08:00", "2026-07-01 06:00", id="with a T"),
        pytest.param("2026/2/3 4:05:06", "2026-02-03 03:05:06", id="slashes"),
        pytest.param("31.01.2026", "2026-01-30 23:00", id="dots"),
        pytest.param("2026-01-31T22:00:00Z", "2026-01-31 22:00", id="with an offset"),
        pytest.param("2026-10-25 02:30", "2026-10-25 00:30", id="the first of two"),
    ],
)
def test_people_say_times_in_their_own_zone(text: str, expected: str) -> None:
    assert moment(text, at=NOON) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("now", "2026-01-14 11:00", id="now"),
        pytest.param("2 hours", "2026-01-14 09:00", id="so long ago"),
        pytest.param("90 days ago", "2025-10-16 11:00", id="so long ago, in words"),
        pytest.param("6:30", "2026-01-14 05:30", id="today"),
        pytest.param("22:00", "2026-01-13 21:00", id="still to come today, so yesterday"),
        pytest.param("12:00", "2026-01-14 11:00", id="this very minute"),
        pytest.param("yesterday 23:15", "2026-01-13 22:15", id="yesterday"),
        pytest.param("today", "2026-01-13 23:00", id="a day begins at midnight"),
        pytest.param("31.12.2025", "2025-12-30 23:00", id="dots"),
        pytest.param("2025-07-01T08:00:00Z", "2025-07-01 08:00", id="with an offset"),
    ],
)
def test_people_look_back_in_their_own_zone(text: str, expected: str) -> None:
    assert past(text, at=NOON) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("today", date(2026, 1, 14), id="today"),
        pytest.param("Yesterday", date(2026, 1, 13), id="yesterday"),
        pytest.param("2 weeks ago", date(2025, 12, 31), id="so long ago"),
        pytest.param("2026-01-01", date(2026, 1, 1), id="a date is that day in every zone"),
    ],
)
def test_days_that_have_been(text: str, expected: date) -> None:
    assert past_day(text, at=NOON.astimezone(UTC)) == expected


@pytest.mark.parametrize("text", ["", "soon", "tomorrow", "monday", "2026-01-15", "0000-01-01", "999999 weeks"])
def test_a_day_that_has_not_been_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="no day that has been"):
        past_day(text, at=NOON)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not a time"), ("soon", "is not a time"), ("25:00", "is not a time"), ("0 days", "is not a length"),
        ("999999 weeks", "is not a time"), ("tomorrow", "still to come"), ("next monday", "still to come"),
        ("in 2 hours", "still to come"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_back_to_is_refused(text: str, told: str) -> None:
    with pytest.raises(Usage, match=told):
        past(text, at=NOON)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "soon", "25:00", "12:60", "2026-02-30", "2026-13-01", "0000-01-01", "in a moment", "in 0 days",
        "in -1 days", "in 999999 weeks 1", "next blursday", "१२:00", "2026-01-31T22:00:00+25:00",
        "x" * 10_000, "in 999999 weeks",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="is not a"):
        moment(text, at=NOON)


def test_a_time_that_daylight_saving_skips_is_refused() -> None:
    with pytest.raises(Usage, match="does not exist here"):
        moment("2026-03-29 02:30", at=NOON)


def test_lengths_of_time() -> None:
    assert span("90 days") == timedelta(days=90)
    assert span("12h") == timedelta(hours=12)
    assert span("2 weeks") == timedelta(weeks=2)


def test_times_are_shown_as_short_as_can_be() -> None:
    assert told("2026-01-14T10:00:00Z", at=NOON) == "11:00:00"
    assert told("2026-01-15T10:00:00Z", at=NOON) == "2026-01-15 11:00"
    assert told(None, at=NOON) == ""
    assert lasted("2026-01-14T10:00:00Z", None, at=NOON) == "1:00:00"
    assert lasted("2026-01-14T10:00:00Z", "2026-01-16T10:00:01Z", at=NOON) == "2d 0:00:01"
    assert lasted(None, None, at=NOON) == ""
