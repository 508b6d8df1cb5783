"""How names are written in a template, what they can stand in, and what is said where they cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


@dataclass(frozen=True, slots=True)
class Style:
    """How names are written: `found` matches them where no shell is followed, `shown` writes one."""

    found: re.Pattern[str]
    shown: str


SHELL: Final = Style(re.compile(r"\$(?:\{[#!]?)?([A-Za-z_][A-Za-z0-9_]*)"), "${}")
BRACES: Final = Style(re.compile(r"(?<![${])\{([A-Za-z_][A-Za-z0-9_]*)\}"), "{{{}}}")


class Where(Enum):
    """What a name stands in."""

    PLAIN = auto()
    QUOTED = auto()
    SINGLE_QUOTES = auto()
    HERE_DOCUMENT = auto()
    BACKQUOTES = auto()
    FORMULA = auto()
    SUBSCRIPT = auto()
    TEST = auto()
    INDIRECT = auto()
    OTHER_SCRIPT = auto()


# Where no quoting carries a value unharmed: what is said, and what helps.
REFUSED: Final[dict[Where, tuple[str, str]]] = {
    Where.SINGLE_QUOTES: (
        "stands inside single quotes, where the shell does not expand it.",
        "Use double quotes, or read the variable {variable}.",
    ),
    Where.HERE_DOCUMENT: (
        "stands inside a here-document whose end word is quoted, so the shell does not expand it.",
        "Write the end word without quotes, or read the variable {variable}.",
    ),
    Where.BACKQUOTES: (
        "stands inside backquotes, where quoting differs.",
        "Use $( ) in place of the backquotes, or read the variable {variable}.",
    ),
    Where.FORMULA: (
        "stands inside arithmetic, where some shells execute commands that a value contains.",
        'Compute with $(expr {written} + 1), or, if subshells are meant, write "( (" with a blank. '
        "A value known to be a number can be read from the variable {variable}.",
    ),
    Where.SUBSCRIPT: (
        "stands inside the brackets of a subscript, where some shells execute commands that a value contains.",
        "A value known to be a number can be read from the variable {variable}.",
    ),
    Where.TEST: (
        "stands inside [[ ]] with an arithmetic test, where some shells execute commands that a value contains.",
        "Use [ ], as in [ {written} -eq 1 ], or read the variable {variable}.",
    ),
    Where.INDIRECT: (
        "is used as another name, or transformed; some shells then execute commands that a value contains.",
        "If that is meant, read the variable {variable}.",
    ),
    Where.OTHER_SCRIPT: (
        "is not replaced in a script that no Bourne shell reads.",
        "Read the environment variable {variable}, or give the parameter another name.",
    ),
}
