"""Every command explains itself, and its page in the documentation says the same."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.parts import Yard, one_line_of
from tests.docs.pages import ROOT, headings
from yard.app import COMMAND, NOUNS

PAGE = "docs/reference/yard.md"


def commands(found: Any = None, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command as its words."""
    found = found or COMMAND
    for name, command in found.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name)


def options_of(words: tuple[str, ...]) -> set[str]:
    found: Any = COMMAND
    for word in words:
        found = found.commands[word]
    return {option for one in found.params for option in (*one.opts, *one.secondary_opts) if option.startswith("-")}


def examples_of(person: Yard, words: tuple[str, ...]) -> list[str]:
    """The examples of a command's help, one a line."""
    return [line.strip() for line in person.ok(*words, "--help").partition("Example:\n")[2].splitlines()]


COMMANDS = sorted(commands())
names = [" ".join(words) for words in COMMANDS]


@pytest.mark.meets("BD-54")
@pytest.mark.parametrize("words", COMMANDS, ids=names)
def test_every_command_has_help_with_an_example_that_can_be_meant(stranger: Yard, words: tuple[str, ...]) -> None:
    text = stranger.ok(*words, "--help")

    _usage, _, rest = text.partition("\n\n")
    assert len(rest.split("\n")[0].strip()) > 10
    examples = examples_of(stranger, words)
    own = [line for line in examples if shlex.split(line)[: len(words) + 1] == ["yard", *words]]
    assert own or any("yard completion" in line for line in examples)
    for line in own:
        end = re.split(" [<>|] ", line)[0]
        given = [word for word in shlex.split(end) if re.match("--?[a-zA-Z]", word)]
        assert set(given) <= options_of(words), line


@pytest.mark.parametrize("words", COMMANDS, ids=names)
def test_every_command_answers_in_json_and_says_which_site(words: tuple[str, ...]) -> None:
    assert {"--json", "--url", "--username", "--config", "--quiet"} <= options_of(words)


def test_the_page_has_every_command_and_no_other() -> None:
    told = {heading for heading in headings(PAGE) if heading.startswith("yard ")}

    assert told == {f"yard {name}" for name in names}


@pytest.mark.parametrize("words", COMMANDS, ids=names)
def test_the_page_shows_the_examples_of_the_help(stranger: Yard, words: tuple[str, ...]) -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")

    examples = examples_of(stranger, words)

    assert [line for line in examples if line and f"\n    {line}\n" not in page] == []


@pytest.mark.parametrize("words", [(), *[(noun,) for noun in NOUNS], *COMMANDS], ids=" ".join)
@pytest.mark.parametrize("columns", [40, 80])
def test_help_fits_the_terminal_and_its_examples_stay_commands(
    stranger: Yard, words: tuple[str, ...], columns: int
) -> None:
    whole = examples_of(stranger, words)
    stranger.variables = {"COLUMNS": str(columns)}

    text = stranger.ok(*words, "--help")

    assert [line for line in text.splitlines() if len(line) > columns] == []
    joined = re.sub(r" \\\n +", " ", text.partition("Example:\n")[2]).splitlines()
    assert [line.strip() for line in joined] == whole


# One process for all commands: each is a child of it that inherits a pipe, which is what a shell would give it.
SHELL = """
import contextlib, io, json, os, sys
from yard.app import main

with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
    main(["job", "view", "--help"])  # what is imported late is so once, and not by each child

def run(words, is_read):
    reading, writing = os.pipe()
    if not is_read:
        os.close(reading)
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        status = main([*words, "--help"])
        try:
            sys.stdout.flush()
        finally:
            os._exit(status)
    os.close(writing)
    first = open(reading, "rb").readline().decode("ascii") if is_read else ""
    return first, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

told = [[words, *run(words, True), run(words, False)[1]] for words in json.load(sys.stdin)]
json.dump(told, sys.stdout)
"""


@pytest.mark.meets("BD-54")
@pytest.mark.parametrize("variables", [{"LANG": "C", "LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}], ids=str)
def test_every_help_goes_through_a_pipe_that_is_read_or_not_in_any_locale(
    stranger: Yard, variables: dict[str, str]
) -> None:
    given = json.dumps([[], *[[noun] for noun in NOUNS], *COMMANDS])

    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        input=given.encode(), env=stranger.env() | variables, cwd=stranger.home, capture_output=True, check=True,
    )  # fmt: skip

    assert done.stderr == b""
    for words, first, read, unread in json.loads(done.stdout):
        assert first.startswith(f"Usage: {' '.join(['yard', *words])} "), words
        assert (read, unread) == (0, 141), words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["sumbit"], "Did you mean 'submit'?", id="a command"),
        pytest.param(["job", "cancle", "1"], "Did you mean 'cancel'?", id="a verb"),
        pytest.param(["ls", "--stats"], "Did you mean --status?", id="an option"),
        pytest.param(["ls", "--state", "runing"], 'Did you mean "running"?', id="a state"),
        pytest.param(["logs", "1", "--stream", "stdot"], 'Did you mean "stdout"?', id="a stream"),
        pytest.param(["grant", "add", "ann", "ViewJob"], 'Did you mean "ViewJobs"?', id="a permission"),
        pytest.param(["completion", "bsh"], 'Did you mean "bash"?', id="a shell"),
        pytest.param(["job", "view"], "See: yard job view --help", id="nothing given"),
        pytest.param(["job", "view", "one"], "valid integer", id="no number"),
        pytest.param(["job", "view", "0"], "greater than or equal to 1", id="too small"),
        pytest.param(["job", "view", str(2**63)], "less than or equal to", id="too large"),
        pytest.param(["job", "view", "9" * 5000], "", id="5,000 digits"),
        pytest.param(["submit", "-p", "scene"], "Write NAME=VALUE", id="no value"),
        pytest.param(["submit", "x", "--at", "soonish"], "is not a time", id="no time"),
        pytest.param(["submit", "x", "--from", "f"], "takes no bare values", id="both at once"),
        pytest.param(["login", "--password", "wonderland"], "Did you mean --password-stdin?", id="password by option"),
        pytest.param(["job", "move", "1"], "It is not clear", id="nowhere"),
        pytest.param(["job", "update", "1"], "Nothing is to be changed", id="nothing"),
        pytest.param(["queue", "update", "a"], "Nothing is to be changed", id="nothing of a queue"),
        pytest.param(["ls", "--url", "nowhere"], "is not a URL", id="no URL"),
        pytest.param(["submit", "\udcff"], "is not UTF-8", id="no UTF-8"),
    ],
)
def test_wrong_usage_is_one_line_that_helps(stranger: Yard, words: list[str], told: str) -> None:
    line = one_line_of(stranger(*words), status=2)

    assert told in line
    assert "wonderland" not in line


def test_with_json_an_error_is_a_document_too(stranger: Yard) -> None:
    result = stranger("ls", "--state", "runing", "--json")

    assert result.status == 2
    assert result.json == {
        "error": {"code": "usage", "message": 'There is no state "runing".', "hint": 'Did you mean "running"?'}
    }


def test_without_a_command_the_help_is_shown(stranger: Yard) -> None:
    result = stranger()

    assert result.status == 2
    assert "submit" in result.out


def test_the_version(stranger: Yard) -> None:
    assert re.fullmatch(r"yard \d+\.\d+\.\d+\n", stranger.ok("--version"))
