"""Time zones: their names, and the instant of a local time on days that daylight saving changes. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from jobs.problems import did_you_mean
from jobs.timing.problem import TimeProblem, shown

# Names that systems ship beside the zones: one depends on the machine, the other is no place.
NOT_ZONES: Final = frozenset({"localtime", "Factory"})
LONGEST_NAME: Final = 64
EXAMPLES: Final = 'Possible are IANA names, such as "UTC" or "Europe/Berlin".'
OFFSET: Final = re.compile(r"(?:GMT|UTC)?([+-])0?([0-9]{1,2})(?::?00)?")
MOST_HOURS: Final = {"+": 14, "-": 12}


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """The names of all zones. Reads the machine's zone files once per process (50 ms)."""
    return frozenset(available_timezones() - NOT_ZONES)


def parse_zone(value: object, *, field: str | None = None) -> ZoneInfo:
    """The zone that is called `value`, exactly as IANA spells it.

    Raises TimeProblem for anything else: an offset is no zone, since it knows no daylight saving.
    """
    if not isinstance(value, str):
        raise _unknown_zone(value, EXAMPLES, field)
    if len(value) > LONGEST_NAME or value not in known_zones():
        raise _unknown_zone(value, _zone_hint(value), field)
    return ZoneInfo(value)


def _unknown_zone(value: object, hint: str, field: str | None) -> TimeProblem:
    return TimeProblem(f"{shown(value)} is not a known time zone.", code="unknown_zone", field=field, hint=hint)


def _zone_hint(name: str) -> str:
    offset = OFFSET.fullmatch(name.upper()[:LONGEST_NAME])
    if offset is not None:
        return _offset_hint(sign=offset[1], hours=int(offset[2]))
    by_small_letters = {known.lower(): known for known in known_zones()}
    small = name.strip().lower()[:LONGEST_NAME]
    if small in by_small_letters:
        return f'Did you mean "{by_small_letters[small]}"?'
    guess = did_you_mean(name[:LONGEST_NAME], known_zones())
    return guess if guess.startswith("Did") else EXAMPLES


def _offset_hint(*, sign: str, hours: int) -> str:
    if hours > MOST_HOURS[sign]:
        return EXAMPLES
    # The fixed zones of IANA count westward, the opposite of what everybody writes.
    name = f"Etc/GMT{'-' if sign == '+' else '+'}{hours}" if hours else "UTC"
    return f'"{name}" is always UTC{sign}{hours:02}:00; a place, such as "Europe/Berlin", has daylight saving too.'


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) at which the clocks of `zone` show `local` (naive) or later.

    A time that occurs twice is its first occurrence; one that is skipped, with the whole day or
    with an hour, is the instant of the change.
    """
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_clock(first, zone) == local:
        return first
    return _end_of_gap(local, zone, last=first)


def wall_clock(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of `zone` show at `at`, as a naive datetime."""
    # Without tzinfo, comparisons look at the clock's face and not at the instant; fold plays no part.
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _end_of_gap(local: datetime, zone: ZoneInfo, *, last: datetime) -> datetime:
    # fold=1 in a gap takes the offset after the change, which leads to before the change.
    before = local.replace(tzinfo=zone, fold=1, microsecond=0).astimezone(UTC)
    seconds = range(int((last - before).total_seconds()) + 2)
    passed = bisect_left(
        seconds, True, key=lambda second: wall_clock(before + timedelta(seconds=second), zone) >= local
    )
    return before + timedelta(seconds=passed)
