"""What is wrong with something that was asked for, in words that help. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    code     stable word for programs
    message  a sentence that names the thing and what is wrong
    field    where it came in, like `params.scene`; None: the whole
    hint     what is possible; "" if the message says it all
    """

    code: str
    message: str
    field: str | None = None
    hint: str = ""

    def under(self, prefix: str) -> Problem:
        """The same, its field seen from one level further out."""
        return replace(self, field=f"{prefix}.{self.field}" if self.field else prefix)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class Problems(ValueError):
    """Something asked for is impossible; nothing has been changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class Refused(Exception):
    """What was asked is understood but cannot be done in the present state."""

    def __init__(self, message: str, *, code: str = "refused", hint: str = "") -> None:
        super().__init__(f"{message} {hint}".rstrip())
        self.problem = Problem(code, message, None, hint)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that helps somebody who wrote `word`: the nearest known word, or what there is."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    if not words:
        return "There is none yet."
    listed = ", ".join(f'"{name}"' for name in words[:10])
    return f"There is {listed}{' and more' if len(words) > 10 else ''}."
