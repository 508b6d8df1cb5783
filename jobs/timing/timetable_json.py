"""A timetable as the JSON object that people and programs write, and back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, TypeVar, cast
from zoneinfo import ZoneInfo

from jobs.problems import Problem, Problems, did_you_mean
from jobs.timing.calendar import WEEKDAYS, check_holidays, parse_date, parse_time, parse_weekdays
from jobs.timing.problem import TimeProblem, collect, shown
from jobs.timing.windows import (
    WHOLE_DAY,
    DatedException,
    Holidays,
    Period,
    Timetable,
    Window,
    weekly,
)
from jobs.timing.zones import parse_zone

UTC_ZONE: Final = ZoneInfo("UTC")
SHORTEST: Final = timedelta(minutes=1)
MOST_ENTRIES: Final = 400
LONGEST_NOTE: Final = 200

TIMETABLE_KEYS: Final = ("zone", "weekdays", "periods", "windows", "exceptions", "holidays")
PERIOD_KEYS: Final = ("begin", "end")
WINDOW_KEYS: Final = ("weekdays", "begin", "end")
EXCEPTION_KEYS: Final = ("from", "to", "closed", "periods", "note")
HOLIDAYS_KEYS: Final = ("country", "subdivision", "effect")
EFFECTS: Final = ("closed", "ignored")

Item = TypeVar("Item")
Json = dict[str, Any]


def timetable_from_json(data: object, *, default_zone: ZoneInfo = UTC_ZONE) -> Timetable:
    """The timetable that a JSON object says; an absent `zone` is `default_zone`.

    `weekdays` and `periods` are the short form: each period on each weekday. `windows`, in their place, is a list of
    periods with weekdays of their own. Raises Problems with everything that is wrong, each with its
    field, such as `periods.0.begin`.
    """
    problems: list[Problem] = []
    given = _object(data, keys=TIMETABLE_KEYS, problems=problems)
    zone = collect(problems, parse_zone, given["zone"], field="zone") if "zone" in given else default_zone
    windows = _windows(given, problems)
    exceptions = _items(_exception, given, "exceptions", problems)
    holidays = given.get("holidays")
    if holidays is not None:
        holidays = collect(problems, _holidays, holidays, field="holidays")
    _raise(problems)
    return Timetable(cast(ZoneInfo, zone), windows, exceptions, holidays)


def _windows(given: Json, problems: list[Problem]) -> tuple[Window, ...]:
    if "windows" not in given:
        weekdays = _weekdays(given, problems)
        return weekly(weekdays=weekdays, periods=_items(_period, given, "periods", problems))
    for short in ("weekdays", "periods"):
        if short in given:
            message = f'Not both "windows" and "{short}".'
            problems.append(Problem("bad_window", message, short, 'Put them into the entries of "windows".'))
    return _items(_window, given, "windows", problems)


def _weekdays(given: Json, problems: list[Problem]) -> frozenset[int]:
    found = collect(problems, parse_weekdays, given.get("weekdays", []), field="weekdays")
    return found or frozenset()


def _period(data: object) -> Period:
    problems: list[Problem] = []
    period = _begin_and_end(_object(data, keys=PERIOD_KEYS, problems=problems), problems)
    _raise(problems)
    return period


def _window(data: object) -> Window:
    problems: list[Problem] = []
    given = _object(data, keys=WINDOW_KEYS, problems=problems)
    weekdays = _weekdays(given, problems)
    period = _begin_and_end(given, problems)
    _raise(problems)
    return Window(period.begin, period.end, weekdays)


def _begin_and_end(given: Json, problems: list[Problem]) -> Period:
    """The period of `begin` and `end`. With a problem told, any period: the caller is about to raise."""
    begin = _required(parse_time, given, "begin", problems)
    end = _required(parse_time, given, "end", problems)
    if begin is None or end is None:
        return WHOLE_DAY
    seconds = (end.hour - begin.hour) * 3600 + (end.minute - begin.minute) * 60 + end.second - begin.second
    if 0 < seconds < SHORTEST.total_seconds():
        message = f"The period from {begin} to {end} is shorter than a minute."
        problems.append(Problem("bad_period", message, "end", "A minute is the shortest possible."))
    return Period(begin, end)


def _exception(data: object) -> DatedException:
    problems: list[Problem] = []
    given = _object(data, keys=EXCEPTION_KEYS, problems=problems)
    first = _required(parse_date, given, "from", problems)
    last = collect(problems, parse_date, given["to"], field="to") if "to" in given else first
    if first is not None and last is not None and last < first:
        message = f"The exception ends on {last}, before it begins on {first}."
        problems.append(Problem("bad_date", message, "to", '"to" is the last date and included.'))
    periods = _exception_periods(given, problems)
    note = collect(problems, _note, given.get("note", ""), field="note")
    _raise(problems)
    return DatedException(cast(date, first), cast(date, last), periods, cast(str, note))


def _exception_periods(given: Json, problems: list[Problem]) -> tuple[Period, ...]:
    hint = 'Either "closed": true, or "periods" with at least one period; 00:00 to 00:00 is the whole day.'
    periods = _items(_period, given, "periods", problems)
    is_closed = given.get("closed", False)
    if not isinstance(is_closed, bool):
        message = f"{shown(is_closed)} is neither true nor false."
        problems.append(Problem("bad_exception", message, "closed", hint))
    elif is_closed and given.get("periods"):
        problems.append(Problem("bad_exception", "An exception is closed or has periods, not both.", None, hint))
    elif not is_closed and not given.get("periods"):
        problems.append(Problem("bad_exception", "The exception does not say what it changes.", None, hint))
    return periods


def _note(value: object) -> str:
    if isinstance(value, str) and len(value) <= LONGEST_NOTE and "\0" not in value:
        return value
    hint = f"Possible: text of at most {LONGEST_NOTE} characters."
    raise TimeProblem(f"{shown(value)} cannot be a note.", code="bad_note", hint=hint)


def _holidays(data: object) -> Holidays:
    problems: list[Problem] = []
    given = _object(data, keys=HOLIDAYS_KEYS, problems=problems)
    country, subdivision = given.get("country"), given.get("subdivision")
    effect = given.get("effect", "closed")
    if not isinstance(country, str) or not isinstance(subdivision, str | None):
        message = 'Holidays are of a "country" and, if wanted, a "subdivision", both text.'
        problems.append(Problem("bad_holidays", message, "country", 'Possible: {"country": "DE"}.'))
    else:
        problems.extend(_unknown_place(country, subdivision))
    if effect not in EFFECTS:
        hint = did_you_mean(str(effect)[:20], EFFECTS)
        problems.append(Problem("bad_holidays", f"{shown(effect)} is nothing a holiday can do.", "effect", hint))
    _raise(problems)
    return Holidays(cast(str, country), cast("str | None", subdivision), effect)


def _unknown_place(country: str, subdivision: str | None) -> Sequence[Problem]:
    try:
        check_holidays(country, subdivision=subdivision)
    except TimeProblem as wrong:
        return wrong.problems
    return ()


def _object(data: object, *, keys: Sequence[str], problems: list[Problem]) -> Json:
    """The known entries of `data`, each unknown one a problem. Raises TimeProblem if it is no object at all."""
    if not isinstance(data, Mapping):
        hint = f"Possible: an object with {', '.join(keys)}."
        raise TimeProblem(f"{shown(data)} is not an object.", code="bad_type", hint=hint)
    for key in data:
        if key not in keys:
            hint = did_you_mean(str(key)[:40], keys)
            problems.append(Problem("unknown_key", f"There is no key {shown(key)} here.", str(key)[:40], hint))
    return {key: data[key] for key in keys if key in data}


def _required(parse: Callable[[object], Item], given: Json, key: str, problems: list[Problem]) -> Item | None:
    if key in given:
        return collect(problems, parse, given[key], field=key)
    problems.append(Problem("missing", f'"{key}" is missing.', key))
    return None


def _items(parse: Callable[[object], Item], given: Json, key: str, problems: list[Problem]) -> tuple[Item, ...]:
    entries = given.get(key, [])
    if not isinstance(entries, list | tuple) or len(entries) > MOST_ENTRIES:
        hint = f"Possible: a list with at most {MOST_ENTRIES} entries."
        problems.append(Problem("bad_type", f"{shown(entries)} cannot be {key}.", key, hint))
        return ()
    found = [collect(problems, parse, entry, field=f"{key}.{index}") for index, entry in enumerate(entries)]
    return tuple(item for item in found if item is not None)


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise Problems(problems)


def timetable_to_json(timetable: Timetable) -> Json:
    """The JSON object that says `timetable`: the short form where all windows share their weekdays."""
    return {
        "zone": timetable.zone.key,
        **_windows_to_json(timetable.windows),
        "exceptions": [_exception_to_json(exception) for exception in timetable.exceptions],
        "holidays": _holidays_to_json(timetable.holidays),
    }


def _windows_to_json(windows: Sequence[Window]) -> Json:
    shared = {window.weekdays for window in windows}
    if len(shared) > 1:
        return {"windows": [{"weekdays": _names(w.weekdays), **_period_to_json(w)} for w in windows]}
    weekdays = next(iter(shared), frozenset())
    has_whole_days = [(w.begin, w.end) for w in windows] == [(WHOLE_DAY.begin, WHOLE_DAY.end)]
    periods = [] if has_whole_days and weekdays else [_period_to_json(window) for window in windows]
    return {"weekdays": _names(weekdays), "periods": periods}


def _names(weekdays: frozenset[int]) -> list[str]:
    return [WEEKDAYS[number] for number in sorted(weekdays)]


def _period_to_json(period: Period) -> Json:
    return {"begin": period.begin.isoformat("seconds"), "end": period.end.isoformat("seconds")}


def _exception_to_json(exception: DatedException) -> Json:
    said: Json = {"from": exception.first.isoformat(), "to": exception.last.isoformat()}
    if exception.periods:
        said["periods"] = [_period_to_json(period) for period in exception.periods]
    else:
        said["closed"] = True
    if exception.note:
        said["note"] = exception.note
    return said


def _holidays_to_json(holidays: Holidays | None) -> Json | None:
    if holidays is None:
        return None
    return {"country": holidays.country, "subdivision": holidays.subdivision, "effect": holidays.effect}
