"""What holds for every timetable, looked for around the days on which clocks change."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.timing.timetable_json import timetable_from_json, timetable_to_json
from jobs.timing.windows import (
    HORIZON,
    DatedException,
    Holidays,
    Period,
    Timetable,
    Window,
    closes_at,
    intervals,
    is_open,
    next_change,
    next_opening,
)
from tests.timing.builders import MINUTE, ZONES_THAT_CHANGE, check_minutes, transitions, utc

TWO_DAYS = timedelta(days=2)


@cache
def interesting_moments(zone: str) -> list[datetime]:
    found = transitions(ZoneInfo(zone), first_year=2011, last_year=2012)
    found += transitions(ZoneInfo(zone), first_year=2018, last_year=2018)
    return found or [utc("2012-02-29")]


minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
# Small hours twice: most clocks change in them.
clock_times = st.one_of(minutes, st.integers(0, 3 * 60).map(lambda minute: time(minute // 60, minute % 60)))
periods = st.builds(Period, clock_times, clock_times)
windows = st.builds(Window, clock_times, clock_times, st.frozensets(st.integers(0, 6)))
holidays = st.none() | st.sampled_from([Holidays("DE"), Holidays("US", "TX"), Holidays("BR", effect="ignored")])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Timetable, datetime]:
    """A timetable, and an instant near a change of its zone's clocks."""
    zone = draw(st.sampled_from(ZONES_THAT_CHANGE))
    moment = draw(st.sampled_from(interesting_moments(zone)))
    first = draw(st.dates(date(moment.year, 1, 1), date(moment.year, 12, 31)) | st.just(moment.date()))
    length = timedelta(days=draw(st.integers(0, 20)))
    exception = DatedException(first, first + length, tuple(draw(st.lists(periods, max_size=2))))
    exceptions = draw(st.sampled_from([(), (exception,)]))
    table = Timetable(ZoneInfo(zone), tuple(draw(st.lists(windows, max_size=3))), exceptions, draw(holidays))
    return table, moment + MINUTE * draw(st.integers(-2000, 2000))


@settings(max_examples=40, deadline=None)
@given(cases())
def test_every_minute_is_open_exactly_if_it_is_in_an_interval(case: tuple[Timetable, datetime]) -> None:
    table, at = case

    check_minutes(table, start=at - TWO_DAYS / 2, end=at + TWO_DAYS / 2)


@settings(max_examples=80, deadline=None)
@given(cases())
def test_changes_come_later_and_later_and_each_is_one(case: tuple[Timetable, datetime]) -> None:
    table, at = case
    was_open = is_open(table, at)

    for _ in range(6):
        change = next_change(table, at)
        if change is None:
            break
        assert change > at
        assert is_open(table, change) is not was_open
        assert is_open(table, change - timedelta(microseconds=1)) is was_open
        at, was_open = change, not was_open


@settings(max_examples=80, deadline=None)
@given(cases(), st.fractions(0, 1))
def test_the_next_change_is_the_same_from_every_moment_before_it(
    case: tuple[Timetable, datetime], part: Fraction
) -> None:
    table, at = case
    change = next_change(table, at)
    if change is None:
        return

    between = at + (change - at) * float(part) * 0.999

    assert next_change(table, between) == change
    assert is_open(table, between) == is_open(table, at)


@settings(max_examples=80, deadline=None)
@given(cases())
def test_the_single_answers_agree_with_the_intervals(case: tuple[Timetable, datetime]) -> None:
    table, at = case
    within = list(intervals(table, start=at, end=at + TWO_DAYS))
    around = list(intervals(table, start=at - TWO_DAYS, end=at + TWO_DAYS))

    assert is_open(table, at) == any(begin <= at < end for begin, end in within)
    assert all(one[1] < two[0] for one, two in pairwise(around))
    if within and within[0][1] - within[0][0] < HORIZON:
        assert within[0] in around
        assert next_opening(table, at) == max(within[0][0], at)
        assert closes_at(table, max(within[0][0], at)) == within[0][1]
    if not within:
        assert (next_opening(table, at) or at + TWO_DAYS) >= at + TWO_DAYS


@settings(max_examples=80, deadline=None)
@given(cases())
def test_json_gives_the_same_timetable_back(case: tuple[Timetable, datetime]) -> None:
    table, at = case
    said = timetable_to_json(table)

    again = timetable_from_json(said)

    assert timetable_to_json(again) == said
    assert next_change(again, at) == next_change(table, at)
