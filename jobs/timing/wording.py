"""A timetable as one English sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time
from itertools import groupby
from typing import Final

from jobs.timing.calendar import WEEKDAYS
from jobs.timing.windows import MIDNIGHT, DatedException, Period, Timetable, Window

MOST_EXCEPTIONS: Final = 3


def describe(timetable: Timetable) -> str:
    """When `timetable` is open, such as "Friday 22:00 to 06:00 of the next day, Europe/Berlin"."""
    if not timetable.windows and timetable.is_always_open:
        return "Always"
    said = [f"{_week(timetable.windows)}, {timetable.zone.key}"]
    if timetable.holidays is not None and timetable.holidays.effect == "closed":
        place = "-".join(filter(None, [timetable.holidays.country, timetable.holidays.subdivision]))
        said.append(f"closed on holidays of {place}")
    said += [_exception(exception) for exception in timetable.exceptions[:MOST_EXCEPTIONS]]
    unsaid = len(timetable.exceptions) - MOST_EXCEPTIONS
    if unsaid > 0:
        said.append(f"{unsaid} more {'exceptions' if unsaid > 1 else 'exception'}")
    return "; ".join(said)


def _week(windows: Sequence[Window]) -> str:
    if not windows:
        return "Every day"
    groups = groupby(windows, key=lambda window: window.weekdays)
    return _listed([f"{_days(weekdays)} {_periods(list(group))}" for weekdays, group in groups])


def _days(weekdays: frozenset[int]) -> str:
    if len(weekdays) in (0, len(WEEKDAYS)):
        return "Every day"
    # Neighbours differ from their place in the list by the same number.
    runs = groupby(enumerate(sorted(weekdays)), key=lambda placed: placed[1] - placed[0])
    return _listed(part for _, run in runs for part in _run([number for _, number in run]))


def _run(numbers: Sequence[int]) -> list[str]:
    if len(numbers) < 3:
        return [WEEKDAYS[number] for number in numbers]
    return [f"{WEEKDAYS[numbers[0]]} to {WEEKDAYS[numbers[-1]]}"]


def _periods(periods: Sequence[Period]) -> str:
    return _listed(_period(period) for period in periods)


def _period(period: Period) -> str:
    if period.begin == period.end == MIDNIGHT:
        return "the whole day"
    if period.end == MIDNIGHT:
        return f"{_clock(period.begin)} to midnight"
    next_day = " of the next day" if period.ends_next_day else ""
    return f"{_clock(period.begin)} to {_clock(period.end)}{next_day}"


def _clock(moment: time) -> str:
    return moment.isoformat("seconds" if moment.second else "minutes")


def _exception(exception: DatedException) -> str:
    dates = f"{exception.first}"
    if exception.last != exception.first:
        dates = f"{exception.first} to {exception.last}"
    note = f" ({exception.note})" if exception.note else ""
    if not exception.periods:
        return f"closed {dates}{note}"
    return f"{dates} {_periods(exception.periods)}{note}"


def _listed(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
