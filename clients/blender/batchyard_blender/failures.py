"""What can go wrong, in words for whoever sits before Blender."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Failure(Exception):
    """It cannot be done. `hint` says what helps; "" if the message does."""

    def __init__(self, message: str, *, hint: str = "", code: str = "failed") -> None:
        super().__init__(f"{message} {hint}".rstrip())
        self.message, self.hint, self.code = message, hint, code


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word, or what is possible, as a sentence."""
    words = sorted(known)
    near = difflib.get_close_matches(word[:100], words, n=1)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"Possible: {', '.join(words)}." if words else ""
