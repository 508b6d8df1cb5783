"""A place in a script that moves forward, copying, and gathers what is wrong."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from jobs.problems import Problem, Problems
from jobs.substitution.places import REFUSED, Style, Where

PROBLEMS_LIMIT: Final = 20


class CommandProblem(Problems):
    """A template cannot become a script in which every value arrives as it is."""


class Cursor:
    """Copies a text from its beginning to `_end`; what is put in goes to `_out` alone."""

    def __init__(self, text: str, *, style: Style) -> None:
        self._text = text
        self._style = style
        self._at = 0
        self._end = len(text)
        self._out: list[str] = []
        self._problems: list[Problem] = []

    def _looks_at(self, text: str) -> bool:
        return self._text.startswith(text, self._at, self._end)

    def _take(self, length: int) -> None:
        self._take_to(self._at + length)

    def _take_run(self, run: re.Pattern[str]) -> None:
        """Copy what `run` matches here, at least one character."""
        found = run.match(self._text, self._at, self._end)
        self._take_to(found.end() if found else self._at + 1)

    def _take_to(self, end: int) -> None:
        end = min(end, self._end)
        self._out.append(self._text[self._at : end])
        self._at = end

    def _close(self, closer: str, opened_at: int, opener: str) -> None:
        if self._at >= self._end:
            self._fail(opened_at, f'"{opener}" opens here, and no "{closer}" ends it.')
        self._take(1)

    def _refuse(self, name: str, where: Where, at: int) -> None:
        message, hint = REFUSED[where]
        written = self._style.shown.format(name)
        advice = hint.replace("{variable}", f"BY_{name}").replace("{written}", written)
        self._add_problem(where.name.lower(), at, f"{written} {message}", advice)

    def _fail(self, at: int, message: str, hint: str = "") -> NoReturn:
        self._add_problem("incomplete_script", at, message, hint)
        raise CommandProblem(self._problems)

    def _add_problem(self, code: str, at: int, message: str, hint: str) -> None:
        line = self._text.count("\n", 0, at) + 1
        self._problems.append(Problem(code, f"Line {line}: {message}", "template", hint))
        if len(self._problems) >= PROBLEMS_LIMIT:
            self._raise_problems()

    def _raise_problems(self) -> None:
        if self._problems:
            raise CommandProblem(self._problems)
