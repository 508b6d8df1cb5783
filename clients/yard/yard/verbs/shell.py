"""yard shell, completion: the same commands at a prompt, and a shell that knows them."""

from __future__ import annotations

import contextlib
import os
import readline
import shlex
import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import typer

from yard import names
from yard.completion import SCRIPTS
from yard.failures import USAGE
from yard.options import one_of
from yard.places import directory
from yard.session import Session
from yard.verb import verb

PROMPT: Final = "yard> "
HISTORY_LINES: Final = 2_000
LEAVING: Final = frozenset({"exit", "quit"})

Run = Callable[[list[str]], int]
Known = Callable[[list[str]], list[str]]


def register(app: typer.Typer, run: Run, words: Known) -> None:
    """Add the commands. `run` carries out a line; `words` are the commands that may follow others."""

    def shell(session: Session) -> int:
        """Take commands at a prompt, without the word yard, until exit or quit.

        What comes from a file or pipe is carried out line by line; the status is that of the last.
        """
        shared = _shared(session)
        if sys.stdin is None or not sys.stdin.isatty():
            return _script(lambda line: run([*shared, *line]))
        with _remembering(), _completing(words):
            return _prompt(lambda line: run([*shared, *line]))

    verb(app, "shell", example="yard shell\nyard shell < commands.txt")(shell)
    verb(app, "completion", example='eval "$(yard completion bash)"\nyard completion fish | source')(completion)


def _shared(session: Session) -> list[str]:
    """The options that the shell itself was given, for each of its commands."""
    pairs = [(f"--{name}", value) for name, value in session.options.items() if value]
    flags = [("--json", session.out.is_json), ("--quiet", session.out.is_quiet), ("--debug", session.is_debug)]
    return [word for pair in pairs for word in pair] + [flag for flag, is_set in flags if is_set]


def _script(run: Run) -> int:
    status = 0
    for line in sys.stdin or ():
        words = _words(line)
        if words is None:
            status = USAGE
        elif words and words[0] in LEAVING:
            break
        elif words:
            status = run(words)
    return status


def _prompt(run: Run) -> int:
    status = 0
    while True:
        try:
            words = _words(input(PROMPT))
        except EOFError:
            sys.stdout.write("\n")
            return status
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            continue
        if words and words[0] in LEAVING:
            return status
        if words:
            status = run(words)


def _words(line: str) -> list[str] | None:
    """The words of a line, as a shell takes them apart; None, and told, if it cannot be taken apart."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        sys.stderr.write(f"yard: {error}: {line.strip()[:80]}\n")
        return None
    words = words[1:] if words[:1] == ["yard"] else words
    if words[:1] == ["shell"]:
        sys.stderr.write("yard: this is the shell.\n")
        return []
    return words


@contextlib.contextmanager
def _remembering() -> Iterator[None]:
    """Lines of past shells, kept for the next in a file of the user's own."""
    base = directory(os.environ)
    path = base / "history" if base else None
    readline.set_history_length(HISTORY_LINES)
    if path is None:
        yield
        return
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            readline.write_history_file(path)


@contextlib.contextmanager
def _completing(words: Known) -> Iterator[None]:
    """Tab completes commands and options."""

    def complete(text: str, place: int) -> str | None:
        before = readline.get_line_buffer()[: readline.get_begidx()].split()
        possible = [word for word in words(before) if word.startswith(text)]
        return f"{possible[place]} " if place < len(possible) else None

    before, delimiters = readline.get_completer(), readline.get_completer_delims()
    readline.set_completer(complete)
    readline.set_completer_delims(" \t")
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        readline.set_completer(before)
        readline.set_completer_delims(delimiters)


def completion(
    session: Session,
    shell: Annotated[
        str, typer.Argument(metavar="|".join(SCRIPTS), autocompletion=names.words(*SCRIPTS), help="Your shell.")
    ],
) -> None:
    """Write what makes a shell complete commands, options and the site's names."""
    one_of(shell, tuple(SCRIPTS), what="shell here")
    script = SCRIPTS[shell].lstrip()
    session.out.answer({"shell": shell, "script": script}, lambda: session.out.write(script))
