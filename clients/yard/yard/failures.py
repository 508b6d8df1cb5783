"""What can go wrong, each with the exit status that it ends the command with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Final

FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
DENIED: Final = 4
NO_EXIT_CODE: Final = 125
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


class Failure(Exception):
    """The command cannot do what it was asked for. `hint` says what is possible; "" if the message does."""

    status: ClassVar[int] = FAILED

    def __init__(self, message: str, *, hint: str = "", code: str = "failed") -> None:
        super().__init__(f"{message} {hint}".rstrip())
        self.message, self.hint, self.code = message, hint, code


class Usage(Failure):
    """It was asked for in a way that cannot be meant."""

    status = USAGE

    def __init__(self, message: str, *, hint: str = "", code: str = "usage") -> None:
        super().__init__(message, hint=hint, code=code)


class Unreachable(Failure):
    """No Batchyard answers at the URL."""

    status = UNREACHABLE

    def __init__(self, message: str, *, hint: str = "", code: str = "unreachable") -> None:
        super().__init__(message, hint=hint, code=code)


class Denied(Failure):
    """The site does not know who asks, or they may not."""

    status = DENIED


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that helps somebody who wrote `word`: the nearest known word, or what is possible."""
    words = sorted(known)
    near = difflib.get_close_matches(word[:100], words, n=1)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"Possible: {', '.join(words)}." if words else ""
