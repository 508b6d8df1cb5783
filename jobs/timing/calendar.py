"""Days: names of weekdays, dates, times of day and public holidays, read strictly. Pure."""

from __future__ import annotations

import calendar
import importlib
import re
from collections.abc import Mapping
from datetime import date, time
from functools import lru_cache
from typing import Any, Final

from jobs.problems import Problem, Problems, did_you_mean
from jobs.timing.problem import TimeProblem, collect, shown

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2999

TIME: Final = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
POSSIBLE_TIMES: Final = "Possible: HH:MM or HH:MM:SS, from 00:00 to 23:59:59, in quotes in YAML."
POSSIBLE_DATES: Final = f"Possible: YYYY-MM-DD, from {FIRST_YEAR} to {LAST_YEAR}."

_NUMBER_OF: Final = {
    spelled: number for number, name in enumerate(WEEKDAYS) for spelled in (name.lower(), name[:3].lower())
}


def parse_weekdays(value: object, *, field: str | None = None) -> frozenset[int]:
    """The weekdays that a list of English names says; 0 is Monday, 6 is Sunday. Empty stays empty.

    Letters may be small or capital, three are enough. Numbers are refused: half of the world
    counts from Sunday. Raises Problems with each wrong entry.
    """
    if not isinstance(value, list | tuple | set | frozenset):
        raise TimeProblem(
            f"{shown(value)} is not a list of weekdays.",
            code="bad_weekday",
            field=field,
            hint='Possible: a list of names, such as ["Monday", "Friday"].',
        )
    problems: list[Problem] = []
    found = [
        collect(problems, _weekday, name, field=f"{field}.{index}" if field else str(index))
        for index, name in enumerate(value)
    ]
    if problems:
        raise Problems(problems)
    return frozenset(number for number in found if number is not None)


def _weekday(name: object) -> int:
    if isinstance(name, str) and name.lower() in _NUMBER_OF:
        return _NUMBER_OF[name.lower()]
    hint = f"Possible: {', '.join(WEEKDAYS)}."
    if isinstance(name, str):
        hint = _nearest(name[:20].capitalize(), dict.fromkeys(WEEKDAYS), otherwise=hint)
    raise TimeProblem(f"{shown(name)} is not a weekday.", code="bad_weekday", hint=hint)


def _nearest(word: str, known: Mapping[str, object], *, otherwise: str) -> str:
    guess = did_you_mean(word, known)
    return guess if guess.startswith("Did") else otherwise


def parse_time(value: object, *, field: str | None = None) -> time:
    """The time of day in "22:00" or "22:00:00". Raises TimeProblem for every other spelling."""
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise TimeProblem(f"{shown(value)} is not a time of day.", field=field, hint=_time_hint(value))
    hour, minute, second = (int(part or 0) for part in match.groups())
    if hour > 23 or minute > 59 or second > 59:
        hint = _range_hint(hour=hour, minute=minute, second=second)
        raise TimeProblem(f"{shown(value)} is not a time of day.", field=field, hint=hint)
    return time(hour, minute, second)


def _time_hint(value: object) -> str:
    if isinstance(value, str) and TIME.fullmatch(f"0{value}"):
        return f'Did you mean "0{value}"?'
    return POSSIBLE_TIMES


def _range_hint(*, hour: int, minute: int, second: int) -> str:
    if (hour, minute, second) == (24, 0, 0):
        return 'Write "00:00": as the end of a period it means midnight.'
    if second == 60 and hour <= 23 and minute <= 59:
        return "Leap seconds are not counted: seconds go from 00 to 59."
    return POSSIBLE_TIMES


def parse_date(value: object, *, field: str | None = None) -> date:
    """The date in "2026-12-24". Raises TimeProblem for other spellings and for days that do not exist."""
    match = DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise TimeProblem(f"{shown(value)} is not a date.", code="bad_date", field=field, hint=POSSIBLE_DATES)
    year, month, day = (int(part) for part in match.groups())
    if not FIRST_YEAR <= year <= LAST_YEAR or not 1 <= month <= 12:
        raise TimeProblem(f"{shown(value)} is out of range.", code="bad_date", field=field, hint=POSSIBLE_DATES)
    days = calendar.monthrange(year, month)[1]
    if not 1 <= day <= days:
        hint = f"{MONTHS[month - 1]} {year} has {days} days."
        raise TimeProblem(f"There is no {value}.", code="bad_date", field=field, hint=hint)
    return date(year, month, day)


@lru_cache(maxsize=1)
def _holidays_package() -> Any:
    # Ten megabytes that a process whose schedules know no holidays never needs.
    return importlib.import_module("holidays")


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    listed: dict[str, list[str]] = _holidays_package().list_supported_countries()
    return {code: regions for code, regions in listed.items() if len(code) == 2}


def check_holidays(country: str, *, subdivision: str | None = None) -> None:
    """Whether the public holidays of `country` (two letters, ISO 3166-1) are known; loads their package.

    Raises TimeProblem, its field `country` or `subdivision`, if not.
    """
    countries = _countries()
    if country not in countries:
        raise TimeProblem(
            f"The holidays of country {shown(country)} are not known.",
            code="bad_holidays",
            field="country",
            hint=_country_hint(country),
        )
    if subdivision is not None and subdivision not in countries[country]:
        raise TimeProblem(
            f"Country {country} has no subdivision {shown(subdivision)}.",
            code="bad_holidays",
            field="subdivision",
            hint=_subdivision_hint(subdivision, countries[country]),
        )


def _country_hint(country: str) -> str:
    if country.upper() in _countries():
        return f'Did you mean "{country.upper()}"?'
    return 'Possible: two-letter codes of ISO 3166-1, such as "DE" or "US".'


def _subdivision_hint(name: str, known: list[str]) -> str:
    if name.upper() in known:
        return f'Did you mean "{name.upper()}"?'
    return did_you_mean(name[:20], known) if known else "It is known as a whole only."


def is_holiday(day: date, *, country: str, subdivision: str | None = None) -> bool:
    """Whether `day` is a public holiday there. Raises TimeProblem for a country that is not known."""
    return day in _holidays_of(day.year, country, subdivision)


@lru_cache(maxsize=512)
def _holidays_of(year: int, country: str, subdivision: str | None) -> frozenset[date]:
    check_holidays(country, subdivision=subdivision)
    # One object for each year: the package's own objects grow as they are asked, and a second
    # thread that asks meanwhile is told that there are no holidays.
    return frozenset(_holidays_package().country_holidays(country, subdiv=subdivision, years=year))
