"""Schedule rows as the values that `jobs.timing` computes with."""

from __future__ import annotations

from collections.abc import Collection

from jobs.models import Schedule
from jobs.timing.calendar import parse_time
from jobs.timing.windows import DatedException, Holidays, Period, Timetable, Window
from jobs.timing.zones import parse_zone


def timetable_of(schedule: Schedule) -> Timetable:
    """The timetable that a schedule's rows say. Reads its windows and exceptions."""
    holidays = None
    if schedule.holidays_country:
        holidays = Holidays(schedule.holidays_country, schedule.holidays_subdivision or None)
    return Timetable(
        zone=parse_zone(schedule.zone),
        windows=tuple(Window(row.begin, row.end, frozenset(row.weekdays)) for row in schedule.windows.all()),
        exceptions=tuple(
            DatedException(row.first, row.last, tuple(_period(told) for told in row.periods), row.note)
            for row in schedule.exceptions.all()
        ),
        holidays=holidays,
    )


def timetables(schedules: Collection[int]) -> dict[int, tuple[str, Timetable]]:
    """Name and timetable of each of `schedules`, in three queries; none for none."""
    if not schedules:
        return {}
    rows = Schedule.objects.filter(pk__in=schedules).prefetch_related("windows", "exceptions")
    return {row.pk: (row.name, timetable_of(row)) for row in rows}


def _period(told: dict[str, str]) -> Period:
    return Period(parse_time(told["begin"]), parse_time(told["end"]))
