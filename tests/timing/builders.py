"""Timetables and moments for the tests of time, without what does not matter."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from jobs.timing.windows import (
    DatedException,
    Holidays,
    Period,
    Timetable,
    intervals,
    is_open,
    periods_on,
    weekly,
)

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
LOOK = timedelta(hours=6)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)

# Gaps and folds of 20 minutes to a day: at midnight, over midnight, in either half of the year, for good.
ZONES_THAT_CHANGE = [
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Havana",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
]


def period(text: str) -> Period:
    """The period in "22:00-06:00"."""
    begin, end = text.split("-")
    return Period(time.fromisoformat(begin), time.fromisoformat(end))


def timetable(
    *periods: str,
    weekdays: frozenset[int] | set[int] = frozenset(),
    zone: str = "Europe/Berlin",
    exceptions: tuple[DatedException, ...] = (),
    holidays: Holidays | None = None,
) -> Timetable:
    windows = weekly(weekdays=weekdays, periods=[period(text) for text in periods])
    return Timetable(ZoneInfo(zone), windows, exceptions, holidays)


def on_dates(first: str, last: str, *periods: str) -> DatedException:
    """An exception: closed if there are no periods."""
    return DatedException(date.fromisoformat(first), date.fromisoformat(last), tuple(period(text) for text in periods))


def berlin(text: str) -> datetime:
    """The instant of "2026-11-20 23:00" in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def transitions(zone: ZoneInfo, *, first_year: int, last_year: int) -> list[datetime]:
    """The instants at which `zone` changes its offset, to the minute."""
    start, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    looks = [start + LOOK * number for number in range((end - start) // LOOK + 1)]
    offsets = [look.astimezone(zone).utcoffset() for look in looks]
    return [_change_after(look, zone) for look, (one, two) in zip(looks, pairwise(offsets), strict=False) if one != two]


def _change_after(look: datetime, zone: ZoneInfo) -> datetime:
    before = look.astimezone(zone).utcoffset()
    minutes = (look + MINUTE * minute for minute in range(LOOK // MINUTE + 1))
    return next(minute for minute in minutes if minute.astimezone(zone).utcoffset() != before)


def open_minutes(table: Timetable, *, start: datetime, end: datetime) -> dict[datetime, bool]:
    """Whether each minute is open, found the slow way: by following the furthest that the clocks have shown.

    A window has begun once clocks have shown its begin or later, and has ended once they have shown
    its end or later, whatever they show afterwards.
    """
    furthest = datetime.min  # noqa: DTZ901 (a clock's face, not an instant)
    answers = {}
    minute = start - timedelta(days=3)
    while minute < end:
        furthest = max(furthest, minute.astimezone(table.zone).replace(tzinfo=None))
        if minute >= start:
            answers[minute] = any(_covers(table, furthest, days_ago) for days_ago in (0, 1))
        minute += MINUTE
    return answers


def _covers(table: Timetable, clock: datetime, days_ago: int) -> bool:
    day = clock.date() - timedelta(days=days_ago)
    for part in periods_on(table, day):
        begin = datetime.combine(day, part.begin)
        end = datetime.combine(day, part.end)
        if end <= begin:
            end += timedelta(days=1)
        if begin <= clock < end:
            return True
    return False


def check_minutes(table: Timetable, *, start: datetime, end: datetime) -> None:
    """Hold `is_open` and `intervals` against the slow way, for every minute from `start` to `end`."""
    expected = open_minutes(table, start=start, end=end)
    spans = list(intervals(table, start=start, end=end))

    wrong = [minute for minute, answer in expected.items() if is_open(table, minute) != answer]
    outside = [
        minute
        for minute, answer in expected.items()
        if any(begin <= minute < close for begin, close in spans) != answer
    ]
    lengths = (min(close, end) - max(begin, start) for begin, close in spans)

    assert wrong == [], f"is_open differs for {table} at {wrong[0]}"
    assert outside == [], f"intervals differ for {table} at {outside[0]}"
    assert all(one[1] < two[0] for one, two in pairwise(spans)), f"{table} has intervals that touch"
    assert sum(lengths, timedelta()) == MINUTE * sum(expected.values())
