"""Names of zones, and the instants of local times."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from jobs.timing.problem import TimeProblem
from jobs.timing.zones import instant_of, known_zones, parse_zone
from tests.timing.builders import utc


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "EST5EDT", "Etc/GMT+5"])
def test_a_zone_is_known_by_its_iana_name(name: str) -> None:
    assert parse_zone(name).key == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("Mars/Phobos", "Possible are IANA names", id="no such place"),
        pytest.param("Europe/Berln", 'Did you mean "Europe/Berlin"?', id="a letter forgotten"),
        pytest.param("europe/berlin", 'Did you mean "Europe/Berlin"?', id="small letters"),
        pytest.param(" Europe/Berlin", 'Did you mean "Europe/Berlin"?', id="space before"),
        pytest.param("Europe/Berlin\n", 'Did you mean "Europe/Berlin"?', id="newline behind"),
        pytest.param("GMT+5", '"Etc/GMT-5" is always UTC+05:00', id="sign of Etc is the other way round"),
        pytest.param("UTC-03:00", '"Etc/GMT+3" is always UTC-03:00', id="offset behind UTC"),
        pytest.param("+25:00", "Possible are IANA names", id="impossible offset"),
        pytest.param("../../etc/localtime", "Possible are IANA names", id="path upwards"),
        pytest.param("/etc/localtime", "Possible are IANA names", id="absolute path"),
        pytest.param("localtime", "Possible are IANA names", id="whatever the machine has"),
        pytest.param("", "Possible are IANA names", id="empty"),
        pytest.param("UTC\0", 'Did you mean "UTC"?', id="NUL"),
        pytest.param("\ud800", "Possible are IANA names", id="lone surrogate"),
        pytest.param("A" * 1_000_000, "Possible are IANA names", id="a megabyte"),
        pytest.param(5, "Possible are IANA names", id="number"),
        pytest.param(None, "Possible are IANA names", id="null"),
        pytest.param(["UTC"], "Possible are IANA names", id="list"),
    ],
)
def test_what_is_no_zone_is_refused_with_what_is_possible(name: object, hint: str) -> None:
    with pytest.raises(TimeProblem) as refused:
        parse_zone(name, field="zone")

    assert refused.value.hint is not None
    assert refused.value.hint.startswith(hint)
    assert refused.value.field == "zone"
    assert len(refused.value.message) < 120
    refused.value.message.encode()


def test_every_zone_that_the_machine_knows_can_be_used() -> None:
    assert {parse_zone(name).key for name in known_zones()} == known_zones()


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        pytest.param("Europe/Berlin", "2026-06-10T22:00", "2026-06-10T20:00", id="ordinary"),
        pytest.param("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00", id="begin of the gap"),
        pytest.param("Europe/Berlin", "2026-03-29T02:59:59.999999", "2026-03-29T01:00", id="end of the gap"),
        pytest.param("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00", id="after the gap"),
        pytest.param("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30", id="first in the fold"),
        pytest.param("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", id="gap of half an hour"),
        pytest.param("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", id="skipped day"),
        pytest.param("Pacific/Kwajalein", "1993-08-21T12:00", "1993-08-21T12:00", id="another skipped day"),
        pytest.param("Asia/Pyongyang", "2018-05-04T23:45", "2018-05-04T15:00", id="shift for good"),
    ],
)
def test_a_local_time_is_the_first_instant_that_shows_it_or_more(zone: str, local: str, expected: str) -> None:
    assert instant_of(datetime.fromisoformat(local), ZoneInfo(zone)) == utc(expected)
