"""What is wrong with a time, date, weekday, zone or window that somebody wrote. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jobs.problems import Problem, Problems

SHOWN_LENGTH = 60

Read = TypeVar("Read")


class TimeProblem(Problems):
    """One value that says no time: `message` what is wrong, `field` where, `hint` what is possible."""

    def __init__(
        self, message: str, *, code: str = "bad_time", field: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__([Problem(code, message, field, hint or "")])
        self.code = code
        self.message = message
        self.field = field
        self.hint = hint


def shown(value: object) -> str:
    """`value` as a message quotes it, cut when long. Never raises for odd text."""
    text = f'"{value}"' if isinstance(value, str) and value.isprintable() else ascii(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}..."


def collect(problems: list[Problem], parse: Callable[[object], Read], value: object, *, field: str) -> Read | None:
    """What `parse` makes of `value`; None if it refuses, and `problems` then tells why, under `field`."""
    try:
        return parse(value)
    except Problems as wrong:
        problems.extend(problem.under(field) for problem in wrong.problems)
        return None
