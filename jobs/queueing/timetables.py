"""Schedule rows as the values that `jobs.timing` computes with."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Sequence
from typing import Any

from jobs.models import Schedule
from jobs.timing.calendar import parse_time
from jobs.timing.windows import DatedException, Holidays, Period, Timetable, Window
from jobs.timing.zones import parse_zone
from scheduler_site.records import query

Row = tuple[Any, ...]

WINDOWS = 'SELECT schedule_id, begin, "end", weekdays FROM jobs_window WHERE schedule_id IN ({}) ORDER BY id'
EXCEPTIONS = """
    SELECT schedule_id, first, last, periods, note FROM jobs_datedexception
    WHERE schedule_id IN ({}) ORDER BY first, id
"""
SCHEDULES = "SELECT id, name, zone, holidays_country, holidays_subdivision FROM jobs_schedule WHERE id IN ({})"


def timetable_of(schedule: Schedule) -> Timetable:
    """The timetable that a schedule's saved rows say; those that have been prefetched are not read again."""
    return _timetable(
        (schedule.zone, schedule.holidays_country, schedule.holidays_subdivision),
        tuple((row.begin, row.end, json.dumps(row.weekdays)) for row in schedule.windows.all()),
        tuple((row.first, row.last, json.dumps(row.periods), row.note) for row in schedule.exceptions.all()),
    )


def timetables(schedules: Collection[int]) -> dict[int, tuple[str, Timetable]]:
    """Name and timetable of each of `schedules`, in three queries; none for none.

    In SQL, as every pass of the dispatcher asks; what the rows say is understood once for as long as
    they say the same.
    """
    if not schedules:
        return {}
    windows, exceptions = _read(WINDOWS, schedules), _read(EXCEPTIONS, schedules)
    return {
        pk: (name, _timetable((zone, country, subdivision), _of(pk, windows), _of(pk, exceptions)))
        for pk, name, zone, country, subdivision in _read(SCHEDULES, schedules)
    }


def _read(sql: str, schedules: Collection[int]) -> list[Row]:
    return query(sql.format(", ".join(["%s"] * len(schedules))), list(schedules))


def _of(schedule: int, rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(row[1:] for row in rows if row[0] == schedule)


@functools.lru_cache(maxsize=1000)
def _timetable(rule: Row, windows: tuple[Row, ...], exceptions: tuple[Row, ...]) -> Timetable:
    zone, country, subdivision = rule
    return Timetable(
        zone=parse_zone(zone),
        windows=tuple(Window(begin, end, frozenset(json.loads(weekdays))) for begin, end, weekdays in windows),
        exceptions=tuple(
            DatedException(first, last, tuple(_period(told) for told in json.loads(periods)), note)
            for first, last, periods, note in exceptions
        ),
        holidays=Holidays(country, subdivision or None) if country else None,
    )


def _period(told: dict[str, str]) -> Period:
    return Period(parse_time(told["begin"]), parse_time(told["end"]))
