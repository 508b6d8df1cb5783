from __future__ import annotations

from collections.abc import Mapping

import pytest

from hosts.supervisor.launching import interpreter_of
from hosts.supervisor.records import (
    Ended,
    EndKind,
    Garbled,
    JournalRecord,
    Killed,
    RunRequest,
    Script,
    Started,
    parse_journal,
)
from hosts.transports.quoting import quoted


@pytest.mark.parametrize(
    ("line", "record"),
    [
        pytest.param(b"S 17 4711 123 4567", Started("17", pid=4711, start_ticks=123, uptime_seconds=45.67), id="start"),
        pytest.param(
            b"E 17 exited 37 4567 oe",
            Ended("17", EndKind.EXITED, 37, uptime_seconds=45.67, has_stdout=True, has_stderr=True),
            id="end",
        ),
        pytest.param(
            b"E a.b signalled 9 4567 -",
            Ended("a.b", EndKind.SIGNALLED, 9, uptime_seconds=45.67, has_stdout=False, has_stderr=False),
            id="silent end",
        ),
        pytest.param(
            b"E 17 exited 0 4567 -g",
            Ended("17", EndKind.EXITED, 0, 45.67, has_stdout=False, has_stderr=False, has_record=False),
            id="end without a record",
        ),
        pytest.param(b"K 17 gone", Killed("17", pids=()), id="killed"),
        pytest.param(b"K 17 left 12 13", Killed("17", pids=(12, 13)), id="not killed"),
        pytest.param(b"E 17 exited", Garbled(b"E 17 exited"), id="torn"),
        pytest.param(b"S 17 47E 18 exited 0 1 -", Garbled(b"S 17 47E 18 exited 0 1 -"), id="two in one"),
        pytest.param(b"E 17 vanished 0 1 -", Garbled(b"E 17 vanished 0 1 -"), id="unknown kind"),
        pytest.param(b"\xff\0", Garbled(b"\xff\0"), id="bytes"),
        pytest.param(b"", Garbled(b""), id="empty"),
    ],
)
def test_a_line_of_the_journal_is_read_or_told(line: bytes, record: JournalRecord) -> None:
    assert parse_journal(line + b"\n") == ([record], len(line) + 1)


def test_the_beginning_of_a_line_waits_for_its_end() -> None:
    records, consumed_bytes = parse_journal(b"K 1 gone\nK 2 go")

    assert records == [Killed("1", pids=())]
    assert consumed_bytes == len(b"K 1 gone\n")


def test_an_exit_code_is_told_from_a_signal() -> None:
    exited, killed, refused = (
        Ended("1", kind, 9, 1.0, has_stdout=False, has_stderr=False)
        for kind in (EndKind.EXITED, EndKind.SIGNALLED, EndKind.REFUSED)
    )

    assert (exited.exit_code, exited.signal) == (9, None)
    assert (killed.exit_code, killed.signal) == (None, 9)
    assert (refused.exit_code, refused.signal) == (None, None)


@pytest.mark.parametrize("name", ["", "a b", "../x", ".", "..", "a/b", "a\n", "x" * 81, "é", "$(id)"])
def test_a_name_that_is_no_word_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be named"):
        RunRequest(name, script=Script("exit"))


@pytest.mark.parametrize(
    "environment",
    [
        {"A B": "x"}, {"": "x"}, {"1A": "x"}, {"A;id": "x"}, {"A": "x\0y"}, {"A": b"\0"}, {"BATCHYARD_RUN": "x"},
        {"PPID": "1"},
    ],
)  # fmt: skip
def test_an_environment_that_no_shell_can_export_is_refused(environment: Mapping[str, str | bytes]) -> None:
    with pytest.raises(ValueError, match="environment variable"):
        RunRequest("17", script=Script("exit"), environment=environment)


def test_limits_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="time limit"):
        RunRequest("17", script=Script("exit"), time_limit_seconds=0)
    with pytest.raises(ValueError, match="grace"):
        RunRequest("17", script=Script("exit"), grace_seconds=-1)
    with pytest.raises(ValueError, match="NUL"):
        RunRequest("17", script=Script("exit\0"))


@pytest.mark.parametrize(
    ("script", "needed", "command"),
    [
        pytest.param(Script("x"), "sh", ("sh",), id="nothing said"),
        pytest.param(Script("#!/bin/x", interpreter="bash"), "bash", ("bash",), id="said apart"),
        pytest.param(Script("#!/bin/x\n"), "/bin/x", ("/bin/x",), id="a program"),
        pytest.param(Script("#! /bin/x  -a -b \r\n"), "/bin/x", ("/bin/x", "-a -b"), id="one argument at most"),
        pytest.param(Script("#!/usr/bin/env python3.11"), "python3.11", ("/usr/bin/env", "python3.11"), id="env"),
        pytest.param(Script("#!/usr/bin/env -S a b"), "/usr/bin/env", ("/usr/bin/env", "-S a b"), id="env -S"),
        pytest.param(Script("#!\nx"), "sh", ("sh",), id="nothing after the sign"),
    ],
)
def test_the_interpreter_is_the_one_that_the_kernel_would_take(
    script: Script, needed: str, command: tuple[str, ...]
) -> None:
    assert interpreter_of(script) == (needed, command)


def test_scripts_of_another_text_or_interpreter_have_another_digest() -> None:
    digests = {Script("x").digest, Script("y").digest, Script("x", interpreter="sh").digest}

    assert len(digests) == 3
    assert Script("x").digest == Script("x").digest


@pytest.mark.parametrize(
    ("value", "word"), [("", b"''"), ("it's", b"'it'\\''s'"), ("é\n$x", "'é\n$x'".encode()), (b"\xff", b"'\xff'")]
)
def test_a_value_is_one_word(value: str | bytes, word: bytes) -> None:
    assert quoted(value) == word
