"""Command templates: from what is written to the script that runs. Pure.

A value never enters the script's text. The run has it as the environment variable BY_<name>, and a
declared $name (or {name}) becomes an expansion of that variable which gives exactly one word.

What no quoting can help: a template that asks for evaluation (`eval $x`, `sh -c "rm $x"`, `let`,
`printf -v "$x"`) gets it. Pass values on as arguments instead: `sh -c 'rm -- "$1"' sh $x`.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

from jobs.problems import Problem, did_you_mean
from jobs.substitution.cursor import CommandProblem
from jobs.substitution.places import BRACES, SHELL
from jobs.substitution.rewrite import Substitution

__all__ = ["Command", "CommandProblem", "Syntax", "compile_command"]

TEMPLATE_LIMIT_BYTES: Final = 1024 * 1024
SHELLS: Final = frozenset({"sh", "dash", "bash", "rbash", "ash", "ksh", "ksh93", "mksh", "lksh", "oksh", "zsh", "yash"})
READ: Final = re.compile(r"\bBY_([A-Za-z_][A-Za-z0-9_]*)")


class Syntax(StrEnum):
    """How a template writes its parameters: $name and ${name}, or {name}.

    Reading accepts batchd's words "Shell" and "Python". Raises CommandProblem for an unknown word.
    """

    SHELL = "shell"
    BRACES = "braces"

    @classmethod
    def _missing_(cls, value: object) -> Syntax:
        words = {"shell": cls.SHELL, "braces": cls.BRACES, "python": cls.BRACES}
        word = str(value)[:100]
        if word.lower() in words:
            return words[word.lower()]
        message = f"There is no template syntax {word!r}."
        raise CommandProblem([Problem("unknown_syntax", message, "syntax", did_you_mean(word, cls))])


@dataclass(frozen=True)
class Command:
    """A script that is ready to run.

    text         ends with a line break
    interpreter  "sh"; None: the text is executed by its own #! line
    used         the names whose variables the text reads
    """

    text: str
    interpreter: str | None
    used: frozenset[str]

    @cached_property
    def digest(self) -> str:
        """sha256, in hex, that tells scripts apart: of the interpreter and the text."""
        return hashlib.sha256(f"{self.interpreter or ''}\n{self.text}".encode()).hexdigest()


def compile_command(template: str, *, names: Collection[str], syntax: Syntax) -> Command:
    """The script for `template`. Names outside `names` stay the shell's own.

    Raises CommandProblem, with the lines, if a declared name stands where its value could not
    arrive as exactly one word, or if the template is no complete script.
    """
    text = _cleaned(template)
    program = _program(text)
    style = SHELL if syntax == Syntax.SHELL else BRACES
    if program is None or program in SHELLS:
        text = Substitution(text, names=frozenset(names), style=style).shell_script()
    else:
        # A program that reads BY_x knows how to: its own $x is then ordinary code.
        unread = frozenset(names) - _read(text)
        Substitution(text, names=unread, style=style).check_other_script()
    return Command(text, "sh" if program is None else None, _read(text) & frozenset(names))


def _read(text: str) -> frozenset[str]:
    return frozenset(READ.findall(text))


def _cleaned(template: str) -> str:
    """`template` as LF lines, the last one ended, without a byte order mark."""
    text = template.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.strip():
        raise _problem("empty", "The template is empty.")
    if "\0" in text:
        raise _problem("bad_character", f"Line {_line(text, text.index(chr(0)))} has a NUL character.")
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError as problem:
        message = f"Line {_line(text, problem.start)} has half a surrogate pair, which is no character."
        raise _problem("bad_character", message) from None
    if size_bytes > TEMPLATE_LIMIT_BYTES:
        raise _problem("too_long", f"The template has {size_bytes} bytes; {TEMPLATE_LIMIT_BYTES} are possible.")
    return text if text.endswith("\n") else f"{text}\n"


def _program(text: str) -> str | None:
    """The name of the program that the text's own #! line asks for; None without one."""
    if not text.startswith("#!"):
        return None
    words = text[2 : text.index("\n")].split()
    if not words:
        raise _problem("bad_interpreter", "Line 1: #! names no program.", "Write one, like #!/bin/sh.")
    name = PurePosixPath(words[0]).name
    if name == "env":
        return _program_of_env(words[1:])
    if name in ("busybox", "toybox"):
        return words[1] if len(words) > 1 else name
    return name


def _program_of_env(words: list[str]) -> str:
    """The program that `env` with these words starts: the first that is no option and no assignment."""
    for word in _unquoted(words):
        if not word.startswith("-") and "=" not in word:
            return PurePosixPath(word).name
    raise _problem("bad_interpreter", "Line 1: env is given no program.", "Write one, like #!/usr/bin/env bash.")


def _unquoted(words: list[str]) -> list[str]:
    line = " ".join(words).removeprefix("-S")
    try:
        return shlex.split(line)
    except ValueError:
        return words


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _problem(code: str, message: str, hint: str = "") -> CommandProblem:
    return CommandProblem([Problem(code, message, "template", hint)])
