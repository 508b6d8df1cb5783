"""Windows around every change of clocks: of some zones, or of all with BATCHYARD_FUZZ=1."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.timing.windows import Timetable
from jobs.timing.zones import known_zones
from tests.timing.builders import FRIDAY, SUNDAY, check_minutes, on_dates, timetable, transitions, utc

IS_FUZZ = os.environ.get("BATCHYARD_FUZZ") == "1"
SAMPLE = ("Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia")
ONE_DAY = timedelta(days=1)


def tables(zone: str) -> list[Timetable]:
    return [
        timetable("22:00-06:00", zone=zone),
        timetable("00:10-00:50", "01:30-02:30", "23:30-00:00", zone=zone),
        timetable("02:10-02:40", "03:00-03:00", weekdays={FRIDAY, SUNDAY}, zone=zone),
        timetable(weekdays=frozenset(range(0, 7, 2)), zone=zone),
        timetable("01:00-03:00", zone=zone, exceptions=(on_dates("2011-12-30", "2011-12-30", "12:00-11:00"),)),
    ]


def check_zone(zone: str, *, first_year: int, last_year: int) -> int:
    """Hold every minute of the 48 hours around each change of `zone` against the slow way; says how many changes."""
    changes = transitions(ZoneInfo(zone), first_year=first_year, last_year=last_year)
    for change in changes:
        for table in tables(zone):
            check_minutes(table, start=change - ONE_DAY, end=change + ONE_DAY)
    return len(changes)


def zones_that_differ() -> list[str]:
    """One name of each history of offsets."""
    names: dict[tuple[object, ...], str] = {}
    for name in sorted(known_zones()):
        zone = ZoneInfo(name)
        history: list[datetime] = transitions(zone, first_year=2010, last_year=2037)
        if history:
            offsets = tuple(change.astimezone(zone).utcoffset() for change in history)
            names.setdefault((*history, *offsets), name)
    return list(names.values())


@pytest.mark.parametrize("zone", SAMPLE)
def test_a_sample_of_zones_around_their_changes(zone: str) -> None:
    years = (2011, 2011) if zone == "Pacific/Apia" else (2026, 2026)

    assert check_zone(zone, first_year=years[0], last_year=years[1]) >= 2


@pytest.mark.skipif(not IS_FUZZ, reason="Takes half an hour; set BATCHYARD_FUZZ=1.")
def test_all_zones_around_their_changes() -> None:
    checked = {zone: check_zone(zone, first_year=2010, last_year=2037) for zone in zones_that_differ()}

    assert len(checked) > 50
    assert all(checked.values())


def test_a_change_of_clocks_is_found_to_the_minute() -> None:
    found = transitions(ZoneInfo("Europe/Berlin"), first_year=2026, last_year=2026)

    assert found == [utc("2026-03-29T01:00"), utc("2026-10-25T01:00")]
