"""When a timetable is open: weekly windows in a zone, dated exceptions, public holidays. Pure.

A window is one continuous interval per local date, and belongs to the date it begins on: begin
included, end excluded, an end at or before the begin is on the next day. Both ends are the first
instant at which the local clocks show that time or a later one. So a window never opens twice when
clocks go back, and an end that clocks skip is the instant of the change; a window that is skipped as a
whole does not open on that date. Windows that touch or overlap are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from jobs.timing.calendar import is_holiday
from jobs.timing.zones import instant_of, wall_clock

MIDNIGHT: Final = time(0)
ONE_DAY: Final = timedelta(days=1)

# No zone ever put its clocks back by more than a day.
LONGEST_FOLD: Final = timedelta(hours=25)

# How far the answers look. Longer than from one leap day to the next.
HORIZON: Final = timedelta(days=1500)

# Room for the horizon on both sides within what datetime can say.
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 9990

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Period:
    """A part of the day in local time; `begin` included, `end` not.

    `end` at or before `begin` is on the next day; equal to `begin`: a whole day.
    """

    begin: time = MIDNIGHT
    end: time = MIDNIGHT

    @property
    def is_whole_day(self) -> bool:
        return self.begin == self.end

    @property
    def ends_next_day(self) -> bool:
        return self.end <= self.begin


WHOLE_DAY: Final = Period()


@dataclass(frozen=True, slots=True)
class Window(Period):
    """A period that begins on some weekdays: 0 is Monday, 6 is Sunday. Empty: on every day."""

    weekdays: frozenset[int] = frozenset()

    def begins_on(self, day: date) -> bool:
        return not self.weekdays or day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class DatedException:
    """Dates from `first` to `last`, both included, on which `periods` begin instead of the windows.

    No periods: closed. For several exceptions of one date the one with the fewest dates counts; of
    equally long ones the last in the timetable. An exception is stronger than a holiday.
    """

    first: date
    last: date
    periods: tuple[Period, ...] = ()
    note: str = ""

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Holidays:
    """Whose public holidays count (ISO 3166 codes), and what one does.

    closed   no window begins on it
    ignored  it is a day like any other
    """

    country: str
    subdivision: str | None = None
    effect: Literal["closed", "ignored"] = "closed"

    def closes(self, day: date) -> bool:
        """Whether no window begins on `day`. Raises TimeProblem if the country's holidays are not known."""
        if self.effect == "ignored":
            return False
        return is_holiday(day, country=self.country, subdivision=self.subdivision)


@dataclass(frozen=True, slots=True)
class Timetable:
    """When jobs may start. No windows: the whole of every day that no exception or holiday covers."""

    zone: ZoneInfo
    windows: tuple[Window, ...] = ()
    exceptions: tuple[DatedException, ...] = ()
    holidays: Holidays | None = None
    is_always_open: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        is_closed_on_holidays = self.holidays is not None and self.holidays.effect == "closed"
        covers_the_week = not self.windows or any(w.is_whole_day and not w.weekdays for w in self.windows)
        always = covers_the_week and not self.exceptions and not is_closed_on_holidays
        object.__setattr__(self, "is_always_open", always)


def weekly(*, weekdays: Iterable[int] = (), periods: Iterable[Period] = ()) -> tuple[Window, ...]:
    """The windows of each of `periods` on each of `weekdays`. No weekdays: every day; no periods: whole days."""
    days = frozenset(weekdays)
    parts = tuple(periods)
    if not parts and days:
        parts = (WHOLE_DAY,)
    return tuple(Window(part.begin, part.end, days) for part in parts)


def is_open(timetable: Timetable, at: datetime) -> bool:
    """Whether a job may start at `at` (aware). Microseconds: compares clock times of two dates.

    This and all other answers raise ValueError for a naive `at` and for years far off.
    """
    _check(at)
    if timetable.is_always_open:
        return True
    clock = wall_clock(at, timetable.zone)
    if clock - wall_clock(at - LONGEST_FOLD, timetable.zone) < LONGEST_FOLD:
        # Clocks went back lately: what they show now may have been passed before.
        return any(begin <= at < end for begin, end in _spans_around(timetable, at))
    return any(_is_within(timetable, day, clock) for day in (clock.date(), clock.date() - ONE_DAY))


def _is_within(timetable: Timetable, day: date, clock: datetime) -> bool:
    """Whether one of the periods that begin on `day` has begun and not ended when clocks first show `clock`."""
    return any(begin <= clock < end for begin, end in _clock_spans(timetable, day))


def next_opening(timetable: Timetable, at: datetime) -> datetime | None:
    """The first instant (UTC) from `at` on that is open; `at` itself if it is open.

    None: none within HORIZON.
    """
    return _opening(timetable, at, limit=at + HORIZON)


def closes_at(timetable: Timetable, at: datetime) -> datetime | None:
    """The end (UTC, excluded) of the open interval that `at` is in.

    None: closed at `at`, or open for longer than HORIZON.
    """
    if not is_open(timetable, at):
        return None
    return _closing(timetable, at, limit=at + HORIZON)


def next_change(timetable: Timetable, at: datetime) -> datetime | None:
    """The first instant (UTC) after `at` at which it opens or closes. None: none within HORIZON."""
    if is_open(timetable, at):
        return closes_at(timetable, at)
    return next_opening(timetable, at)


def intervals(timetable: Timetable, *, start: datetime, end: datetime) -> Iterator[Span]:
    """The open intervals (UTC, end excluded) with a part in [`start`, `end`), in order, none touching another.

    Each is whole: it may begin before `start` and end after `end`. One that goes on for longer than
    HORIZON outside is cut there.
    """
    _check(end)
    limit = end + HORIZON
    opening = _opening(timetable, start, limit=end)
    begin = None if opening is None else _opened(timetable, opening, limit=start - HORIZON)
    while opening is not None and begin is not None and opening < end:
        close = _closing(timetable, opening, limit=limit)
        yield begin, close or limit.astimezone(UTC)
        opening = begin = None if close is None else _opening(timetable, close, limit=end)


def _opening(timetable: Timetable, at: datetime, *, limit: datetime) -> datetime | None:
    if is_open(timetable, at):
        return at.astimezone(UTC)
    day = _local_date(at, timetable.zone)
    last = _local_date(limit, timetable.zone) + ONE_DAY
    while day <= last:
        # The spans of a later date never begin earlier, so the first date with one has the answer.
        first = min((begin for begin, _ in _spans_of(timetable, day) if begin > at), default=None)
        if first is not None:
            return first if first <= limit else None
        day += ONE_DAY
    return None


def _closing(timetable: Timetable, at: datetime, *, limit: datetime) -> datetime | None:
    if timetable.is_always_open:
        return None
    until = at
    day = _local_date(at, timetable.zone) - ONE_DAY
    # In order of their begins, which no later date precedes: one pass merges all that touch.
    while until <= limit and day <= _local_date(until, timetable.zone) + ONE_DAY:
        for begin, end in sorted(_spans_of(timetable, day)):
            if begin <= until:
                until = max(until, end)
        day += ONE_DAY
    return until if until <= limit else None


def _opened(timetable: Timetable, at: datetime, *, limit: datetime) -> datetime:
    """When the open interval that `at` is in began, or `limit` if that was earlier."""
    since = limit.astimezone(UTC) if timetable.is_always_open else at
    while since > limit:
        # A span that only touches may have begun two dates ago, where a zone skipped a day.
        spans = _spans_around(timetable, since, dates_before=2)
        earlier = min((begin for begin, end in spans if begin < since <= end), default=None)
        if earlier is None:
            return since
        since = earlier
    return limit.astimezone(UTC)


def _spans_around(timetable: Timetable, at: datetime, *, dates_before: int = 1) -> Iterator[Span]:
    """The spans that can contain `at`.

    They are at most a day long, so yesterday's reach into today; and where clocks go back over
    midnight, tomorrow's have begun.
    """
    today = _local_date(at, timetable.zone)
    for offset in range(-dates_before, 2):
        yield from _spans_of(timetable, today + timedelta(days=offset))


def _check(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone; a timetable can only answer for an aware datetime.")
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"{at} is out of range; a timetable answers from {FIRST_YEAR} to {LAST_YEAR}.")


def _local_date(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _spans_of(timetable: Timetable, day: date) -> Iterator[Span]:
    """The intervals (UTC) that begin on the local date `day`; those without length left out."""
    for clock_begin, clock_end in _clock_spans(timetable, day):
        begin, end = instant_of(clock_begin, timetable.zone), instant_of(clock_end, timetable.zone)
        if begin < end:
            yield begin, end


def _clock_spans(timetable: Timetable, day: date) -> Iterator[Span]:
    """The same as clocks show it: naive datetimes."""
    for period in periods_on(timetable, day):
        last = day + ONE_DAY if period.ends_next_day else day
        yield datetime.combine(day, period.begin), datetime.combine(last, period.end)


def periods_on(timetable: Timetable, day: date) -> tuple[Period, ...]:
    """The periods that begin on the local date `day`: an exception's, none on a holiday, else the windows'."""
    covering = [exception for exception in timetable.exceptions if exception.covers(day)]
    if covering:
        return min(reversed(covering), key=lambda exception: exception.last - exception.first).periods
    if timetable.holidays is not None and timetable.holidays.closes(day):
        return ()
    if not timetable.windows:
        return (WHOLE_DAY,)
    return tuple(window for window in timetable.windows if window.begins_on(day))
