"""Reads jobs as clients ask for them. Plain functions, because a hundred thousand may come at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

from django.http.request import HttpHeaders

from jobs.problems import Problem, Problems, did_you_mean
from jobs.queueing.submit import Request
from scheduler_site.api.fields import UNKNOWN_LIMIT, mistyped, moment

KEY_LIMIT: Final = 200
PROBLEMS_LIMIT: Final = 100
REQUIRED: Final = ("queue", "type")


class _Wrong(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_request(told: object) -> Request:
    """The job that a JSON object asks for. Raises Problems with all that is wrong with its form."""
    if not isinstance(told, dict):
        raise Problems([mistyped(told, "an object")])
    problems = _unknown_keys(told, READERS)
    problems += [Problem("required", f'A job needs a "{key}".', key) for key in REQUIRED if key not in told]
    values: dict[str, Any] = {}
    for key, (name, read) in READERS.items():
        if key not in told:
            continue
        try:
            values[name] = read(told[key])
        except _Wrong as wrong:
            problems.append(wrong.problem.under(key))
    if problems:
        raise Problems(problems)
    return Request(**values)


def read_requests(told: object) -> list[Request]:
    """The jobs of `{"jobs": [...]}`. Raises Problems with fields like `jobs[3].queue`."""
    if not isinstance(told, dict):
        raise Problems([mistyped(told, "an object")])
    problems = _unknown_keys(told, ("jobs",))
    listed = told.get("jobs")
    if not isinstance(listed, list):
        problems.append(mistyped(listed, "a list").under("jobs"))
        raise Problems(problems)
    requests = []
    for place, one in enumerate(listed):
        try:
            requests.append(read_request(one))
        except Problems as found:
            problems += [problem.under(f"jobs[{place}]") for problem in found.problems]
            if len(problems) >= PROBLEMS_LIMIT:
                break
    if problems:
        raise Problems(problems[:PROBLEMS_LIMIT])
    return requests


def idempotency_key(headers: HttpHeaders, *, limit: int = KEY_LIMIT) -> str | None:
    """The Idempotency-Key header, None without one. Raises Problems if it is empty, long or unprintable."""
    key = headers.get("Idempotency-Key")
    if key is None or (0 < len(key) <= limit and key.isascii() and key.isprintable()):
        return key
    message = f"The Idempotency-Key is no text of 1 to {limit} printable ASCII characters."
    raise Problems([Problem("bad_idempotency_key", message)])


def _unknown_keys(told: Mapping[str, object], known: Collection[str]) -> list[Problem]:
    unknown = [key for key in told if key not in known][:UNKNOWN_LIMIT]
    return [
        Problem("unknown_key", f'There is no key "{key[:100]}" here.', key[:100], did_you_mean(key[:100], known))
        for key in unknown
    ]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Wrong(mistyped(value, "a text"))
    return value


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _values(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _Wrong(mistyped(value, "an object"))
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Wrong(mistyped(value, "a whole number"))
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(mistyped(value, "true or false"))
    return value


def _moment(value: object) -> datetime | None:
    text = _optional_text(value)
    if text is None:
        return None
    try:
        return moment(text)
    except ValueError as problem:
        hint = 'Write it like "2026-01-31T22:00:00Z" or with an offset.'
        raise _Wrong(Problem("bad_time", str(problem), None, hint)) from problem


# What a client writes, as the field of a Request and how it is read.
READERS: Final[Mapping[str, tuple[str, Callable[[object], object]]]] = {
    "queue": ("queue", _text),
    "type": ("type", _text),
    "params": ("params", _values),
    "host": ("host", _optional_text),
    "notes": ("notes", _text),
    "priority": ("priority", _number),
    "not_before": ("not_before", _moment),
    "held": ("is_held", _flag),
}
