"""Passwords and secrets: from the terminal without echo, or from standard input. Never from the command line."""

from __future__ import annotations

import getpass
import sys

from yard.failures import Failure, Usage


def ask(prompt: str, *, is_from_stdin: bool, twice: bool = False) -> str:
    """A password. Raises Usage where nobody can be asked, Failure if it is empty or the two differ."""
    if is_from_stdin:
        if sys.stdin is None:
            raise Failure("Standard input is closed.")
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin is None or not sys.stdin.isatty():
        raise Usage("There is no terminal to ask for a password.", hint="Say --password-stdin and send it there.")
    else:
        password = getpass.getpass(f"{prompt}: ")
        if twice and getpass.getpass("Once more: ") != password:
            raise Failure("The two are not the same.", code="passwords_differ")
    if not password:
        raise Failure("The password is empty.", code="no_password")
    return password


def ask_secret(name: str) -> str:
    """The value of a secret parameter: asked for, or, where there is no terminal, the next line of standard input."""
    is_terminal = sys.stdin is not None and sys.stdin.isatty()
    if is_terminal:
        value = getpass.getpass(f"{name}: ")
    else:
        value = sys.stdin.readline().rstrip("\r\n") if sys.stdin is not None else ""
    if not value:
        raise Failure(f'The secret "{name}" is empty.', code="no_secret")
    return value
