"""Real shells complete commands, options and names of a real site, and evaluate nothing of what these say."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clients.parts import SOURCES, Yard, one_line_of
from tests.scenarios.site import SiteUnderTest
from tests.servers.parts import program

pytestmark = [pytest.mark.scenario, pytest.mark.xdist_group("yard")]

SECONDS = 60
START = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}
# Put together by the shell, so that the line itself does not look like the prompt.
PROMPT = 'PS1="<rea""dy> "'
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|[\x00-\x09\x0b-\x1f\x7f]")
# What the shell of a reader would run if it evaluated what a writer has said.
EVIL = r"""a:b \$(touch PWNED) `touch PWNED` "; touch PWNED; ' [/x] \\$(touch PWNED)"""


@pytest.fixture(scope="module")
def evil(yard_site: SiteUnderTest) -> str:
    """The number of a job whose notes are not to be evaluated. It and a group with a blank in its name are there."""
    job = {"queue": "default", "type": "command", "params": {"command": "true"}, "held": True, "notes": EVIL}
    made = yard_site.post("jobs", job)
    yard_site.post("groups", {"name": "night shift"})
    return str(made["id"])


@pytest.fixture
def person(yard: Yard, evil: str) -> Yard:
    """Somebody with yard on their path."""
    own = yard.home / "bin" / "yard"
    own.parent.mkdir()
    own.write_text(f'#!/bin/sh\nPYTHONPATH={SOURCES} exec {" ".join(yard.command())} "$@"\n')
    own.chmod(0o755)
    (yard.home / "longing.txt").touch()
    yard.variables = {"PATH": f"{own.parent}:{os.environ['PATH']}", "TERM": "xterm", "LANG": "C.UTF-8"}
    return yard


class Prompt:
    """A shell at a terminal of its own, in which somebody types."""

    def __init__(self, controller: int) -> None:
        self._controller = controller
        self.screen = ""

    def types(self, text: str) -> None:
        self.screen = ""
        os.write(self._controller, text.encode())

    def shows(self, text: str) -> None:
        """Waits until `text` is on the screen."""
        deadline = time.monotonic() + SECONDS
        while text not in CONTROLS.sub("", self.screen):
            assert time.monotonic() < deadline, f"{text!r} is not shown, but {self.screen!r}"
            if select.select([self._controller], [], [], 0.5)[0]:
                self.screen += os.read(self._controller, 65536).decode("utf-8", "replace")


@contextmanager
def at_prompt(person: Yard, shell: str) -> Iterator[Prompt]:
    """A shell that has read the script for it."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    with subprocess.Popen(
        [program(shell), *START[shell]],
        env=person.env(), cwd=person.home, start_new_session=True, stdin=terminal, stdout=terminal, stderr=terminal,
    ) as process:  # fmt: skip
        os.close(terminal)
        try:
            prompt = Prompt(controller)
            prompt.types(f'{PROMPT}; eval "$(yard completion {shell})"\n')
            prompt.shows("<ready> ")
            yield prompt
        finally:
            process.kill()
            os.close(controller)


LINES = {
    "a command": ("yard que", "yard queue"),
    "a name": ("yard queue view def", "yard queue view default"),
    "a value behind its option": ("yard submit --type=comm", "yard submit --type=command"),
    "a name with a blank": ("yard group view nig", r"yard group view night\ shift"),
    "a name within quotes": ('yard group view "nig', 'yard group view "night shift"'),
    "a file, where nothing else is meant": ("yard files put long", "yard files put longing.txt"),
    "the program by its path": ("./bin/yard queue upd", "./bin/yard queue update"),
}


@pytest.mark.parametrize("shell", sorted(START))
def test_a_shell_completes_what_stands_at_its_prompt(person: Yard, shell: str) -> None:
    with at_prompt(person, shell) as prompt:
        for typed, whole in LINES.values():
            prompt.types(f"{typed}\t")
            prompt.shows(whole)
            prompt.types("\x15")


@pytest.mark.parametrize("shell", sorted(START))
def test_a_shell_evaluates_nothing_of_what_other_people_wrote(person: Yard, evil: str, shell: str) -> None:
    with at_prompt(person, shell) as prompt:
        prompt.types(f"yard job view {evil}\t\t")
        prompt.types("\x15echo do''ne\n")
        prompt.shows("done")

    assert not (person.home / "PWNED").exists()


def in_fish(person: Yard, line: str) -> list[str]:
    """What fish offers for the end of a line: a word, and behind a tab what is said of it."""
    script = "yard completion fish | source; complete --do-complete $argv[1]"
    done = subprocess.run(
        [program("fish"), "--no-config", "-c", script, line],
        env=person.env(), cwd=person.home, capture_output=True, text=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_fish_completes_what_stands_at_its_prompt(person: Yard, evil: str) -> None:
    assert in_fish(person, "yard queue vi") == ["view\tShow one queue."]
    assert in_fish(person, "yard queue view def") == ["default\tDefault"]
    assert in_fish(person, "yard submit --type=comm") == ["--type=command\tCommand"]
    assert in_fish(person, "yard group view 'nig") == ["night shift"]
    assert in_fish(person, "yard files put long") == ["longing.txt"]
    assert f"{evil}\t{EVIL}" in in_fish(person, f"yard job view {evil}")
    assert not (person.home / "PWNED").exists()


def test_an_unknown_shell_is_told_which_there_are(stranger: Yard) -> None:
    assert "Possible: bash, fish, zsh." in one_line_of(stranger("completion", "tcsh"), status=2)
