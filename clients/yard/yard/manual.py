"""What --help shows: it fits the terminal, and an example that does not is carried on in the next line."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any, Final

import typer
import typer.core
from typer._click.formatting import HelpFormatter

from yard.printing import width_of

WIDEST: Final = 78
NARROW: Final = 60
LONGEST_SENTENCE: Final = 200
# A type of Python as the library shows it, and what it is called for people.
KIND: Final = re.compile(r" <(?:list\[)?(\w+)\]?>")
KINDS: Final = {"int": "N", "float": "N"}
# A word of a shell, in which quoted blanks do not end it, with the option or sign that it belongs to.
WORD: Final = r"""(?:[^\s'"]|'[^']*'|"[^"]*")+"""
PART: Final = re.compile(rf"(?:(?:--?[a-zA-Z][\w-]*|[<>|])\s+(?![-<>|]))?{WORD}")


class Formatter(HelpFormatter):
    """Text within the width of the terminal, also of one with 40 columns."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(indent_increment, width=min(width_of(sys.stdout), WIDEST), max_width=max_width)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        for line in folded(f"{prefix or 'Usage: '}{prog} {args}", width=self.width, end=""):
            self.write(f"{line}\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        named = [(KIND.sub(_kind, term), text) for term, text in rows]
        super().write_dl(named, col_max if self.width >= NARROW else self.width // 5, col_spacing)


def _kind(found: re.Match[str]) -> str:
    """What an option takes; an argument has said so by its name."""
    return f" {KINDS.get(found[1], 'TEXT')}" if found.string.startswith("-") else ""


class Context(typer.Context):
    """A command that is being looked at."""

    formatter_class = Formatter


class Command(typer.core.TyperCommand):
    """A command whose help ends with examples."""

    context_class = Context

    def format_epilog(self, ctx: Any, formatter: HelpFormatter) -> None:
        for line in (self.epilog or "").splitlines():
            formatter.write("\n".join(folded(line, width=width_of(sys.stdout))) + "\n")


class Group(typer.core.TyperGroup):
    """A noun, whose help lists its verbs, each with a whole sentence."""

    context_class = Context

    def format_commands(self, ctx: Any, formatter: HelpFormatter) -> None:
        rows = [(name, one.get_short_help_str(LONGEST_SENTENCE)) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def folded(line: str, *, width: int, end: str = " \\") -> list[str]:
    """`line` as lines of at most `width` columns, each ending with `end` but the last. No word is taken apart."""
    indent = line[: len(line) - len(line.lstrip())]
    lines = [indent]
    for part in PART.findall(line):
        if not lines[-1].strip():
            lines[-1] += part
        elif len(lines[-1]) + 1 + len(part) + len(end) <= width:
            lines[-1] += f" {part}"
        else:
            lines[-1] += end
            lines.append(f"{indent}    {part}")
    return lines
