"""Every example of the help can be carried out, and together they ask everything that the API answers."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import pytest

from tests.clients.parts import Result, Yard
from tests.clients.test_faults import Asked, Reply, Server, serving
from tests.clients.test_help import COMMANDS, examples_of
from tests.permissions.table import API

BEGIN: Final = "/api/v1/"
NOT_ASKED: Final = {("GET", "jobs/changes")}  # tells pages when to look again; `yard watch` looks by itself
NO_SITE: Final = {("config", "show"), ("config", "path"), ("completion",)}
# Files that examples name.
FILES: Final = {
    "in.txt": "in", "jobs.csv": "a\nx\n", "r.yaml": "template: 'true'\n", "type.yaml": "template: 'true'\n",
    ".ssh/id_ed25519": "key\n",
}  # fmt: skip

ROW: Final[dict[str, Any]] = {
    "id": 7, "name": "nightly", "key": "bsk_3f9c01d2", "token": "bsk_1", "user": "ann", "users": ["ann"],
    "state": "succeeded", "reason": "", "queue": "nightly", "type": "OutputFile", "path": "a/out.txt", "size": 1,
    "parameter": "report", "priority": 0, "finished_at": "2026-01-01T00:00:00Z", "exit_code": 0, "attempts": [],
    "params": [{"name": name} for name in "abc"], "counts": {}, "blockers": [], "keys": [], "by": [], "ids": [1],
    "resent": 0, "to": "mailto", "expires_at": None, "points": [],
}  # fmt: skip
ATTEMPT: Final = {"number": 1, "host": "localhost", "outcome": "exited", "exit_code": 0, "signal": None}


@dataclass(frozen=True)
class Run:
    """An example, what came of it, and the requests that it made."""

    line: str
    result: Result
    asked: frozenset[tuple[str, str]]


def answer(asked: Asked) -> Reply:
    """What a site might say: everything that any command looks for."""
    path = urlsplit(asked.path).path
    if path.endswith("/output/stream"):
        return Reply(kind="text/event-stream", body=b'event: end\ndata: {"state": "succeeded"}\n\n')
    if path.endswith(("/output", "/export")) or (asked.method == "GET" and path.startswith(f"{BEGIN}files/")):
        return Reply(kind="application/octet-stream", body=b"x")
    if re.fullmatch(f"{BEGIN}jobs/[0-9]+/files", path):
        return Reply(body=json.dumps([ROW]).encode())
    row = ROW | {"attempts": [ATTEMPT]} if path.startswith(f"{BEGIN}jobs/") else ROW
    return Reply(body=json.dumps({**row, "results": [row], "next": None, "previous": None}).encode())


def words_of(line: str, person: Yard) -> list[str]:
    """The words of an example behind `yard`, as a shell hands them over. The site is that of the tests."""
    words = shlex.split(line)
    end = next((place for place, word in enumerate(words) if word in {"<", ">", "|"}), len(words))
    meant = [word.replace("https://batchyard.example.org", person.site) for word in words[1:end]]
    return [re.sub("^~", str(person.home), word) for word in meant]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], list[Run]]:
    """The examples of all commands, carried out at a site that agrees with everything."""
    home = tmp_path_factory.mktemp("examples")
    for name, text in FILES.items():
        Path(home, name).parent.mkdir(exist_ok=True)
        Path(home, name).write_text(text)
    with serving(answer=answer) as server:
        person = Yard(home, server.url, "token")
        return {words: list(_carried_out(person, server, words)) for words in COMMANDS}


def _carried_out(person: Yard, server: Server, command: tuple[str, ...]) -> Iterator[Run]:
    stdin = b"stats\nwhoami\n" if command == ("shell",) else b"secret\nsecret\nsecret\n"
    for line in examples_of(person, command):
        if line.startswith("yard "):
            server.asked.clear()
            result = person("--json", *words_of(line, person), *_in_a_test(line), stdin=stdin)
            asked = {(one.method, unquote(urlsplit(one.path).path).removeprefix(BEGIN)) for one in server.asked}
            yield Run(line, result, frozenset(asked))


def _in_a_test(line: str) -> list[str]:
    """What stands in for a terminal at which a password is asked for, and for a directory without the file."""
    asking = re.match("yard (login|user add|user password)", line) and "--password-stdin" not in line
    fetching = re.match("yard files (get|results)", line)
    return ["--password-stdin"] * bool(asking) + ["--overwrite"] * bool(fetching)


@pytest.mark.meets("BD-54")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_example_can_be_carried_out(runs: dict[tuple[str, ...], list[Run]], command: tuple[str, ...]) -> None:
    for run in runs[command]:
        assert run.result.status == 0, run
        assert "Traceback" not in run.result.err
        assert run.asked or command in NO_SITE, run.line


def test_every_address_of_the_api_is_asked_by_a_command(runs: dict[tuple[str, ...], list[Run]]) -> None:
    asked = {one for found in runs.values() for run in found for one in run.asked}
    routes = {(method, route.removeprefix("api/v1/")) for method, route in API if route.startswith("api/v1/")}

    missing = {route for route in routes if not any(_is_of(one, route) for one in asked)}

    assert missing == NOT_ASKED


def _is_of(asked: tuple[str, str], route: tuple[str, str]) -> bool:
    kinds = {"{pk}": "[0-9]+", "{path}": ".+"}
    pattern = re.sub(r"\{\w+\}", lambda found: kinds.get(found[0], "[^/]+"), route[1])
    return asked[0] == route[0] and re.fullmatch(pattern, asked[1]) is not None
