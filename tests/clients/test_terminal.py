"""yard as a program: signals, pipes, terminals of all sizes and locales, and machines without Django."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.clients.parts import Yard
from tests.scenarios.site import SiteUnderTest, until

pytestmark = pytest.mark.scenario

SECONDS = 60
Typed = Sequence[tuple[str, bytes]]


def run(yard: Yard, *words: str, **given: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        yard.command(*words),
        env=yard.env(), cwd=yard.home, capture_output=True, timeout=SECONDS, check=False,
        **({"stdin": subprocess.DEVNULL} | given),
    )  # fmt: skip


def on_terminal(yard: Yard, *words: str, columns: int = 80, typed: Typed = ()) -> tuple[int, str]:
    """Exit status and screen of a command at a terminal where somebody answers prompts."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    yard.variables = {**yard.variables, "TERM": "xterm"}
    with yard.program(*words, start_new_session=True, **streams) as process:
        os.close(terminal)
        screen = "".join(_screen(controller, list(typed)))
        status = process.wait(SECONDS)
    os.close(controller)
    return status, screen


def _screen(controller: int, typed: list[tuple[str, bytes]]) -> Iterator[str]:
    """What comes onto the screen, until the program is gone. Each prompt is answered once it stands there."""
    deadline, seen = time.monotonic() + SECONDS, ""
    while time.monotonic() < deadline:
        if not select.select([controller], [], [], 1)[0]:
            continue
        try:
            piece = os.read(controller, 65536).decode("utf-8", "replace")
        except OSError:  # the other end is closed
            return
        yield piece
        seen += piece
        if typed and typed[0][0] in seen:
            os.write(controller, typed.pop(0)[1])
            seen = ""
    raise AssertionError(f"the program has not ended; the screen ends with {seen[-500:]!r}")


def test_ctrl_c_leaves_the_job_running_and_says_so(yard: Yard) -> None:
    yard.ok("queue", "add", "interrupted")
    with yard.program("submit", "echo here; sleep 60", "--follow", "-q", "interrupted") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=SECONDS)

    [job] = yard.json("ls", "interrupted")["results"]
    assert process.returncode == 130
    assert f"Job {job['id']} goes on." in err.decode()
    assert b"Traceback" not in err
    assert job["state"] == "running"
    yard.ok("job", "kill", str(job["id"]))


@pytest.mark.parametrize("words", [["submit", "sleep 60", "--wait", "--hold"], ["watch"]], ids=["wait", "watch"])
def test_ctrl_c_at_other_stages_is_quiet(yard: Yard, words: list[str]) -> None:
    status = {"submit": 130, "watch": 0}[words[0]]
    with yard.program(*words, "--debug") as process:
        assert process.stderr is not None
        process.stderr.readline()  # the first request is answered
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=SECONDS)

    assert process.returncode == status
    assert b"Traceback" not in err


def test_ctrl_c_while_the_program_starts_is_quiet(stranger: Yard) -> None:
    with stranger.program("config", "show") as process:
        until(lambda: _catches_interrupts(process.pid) or process.poll() is not None, seconds=SECONDS, what="it starts")
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=SECONDS)

    assert b"Traceback" not in err


def _catches_interrupts(pid: int) -> bool:
    """Whether Python has begun: it has a way of its own with interrupts."""
    try:
        lines = Path(f"/proc/{pid}/cmdline").read_bytes()
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False
    return b"yard" in lines and "yaml" in maps


def test_a_reader_that_goes_away_is_no_error(yard: Yard) -> None:
    job = yard("submit", "seq 200000", "--wait", "--json").json["id"]
    with yard.program("logs", str(job)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.stdout.close()
        assert process.wait(SECONDS) == 141
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(yard: Yard, closed: str) -> None:
    line = f'exec "$@" {closed}'

    done = subprocess.run(
        ["sh", "-c", line, "sh", *yard.command("stats")],
        env=yard.env(), cwd=yard.home, capture_output=True, timeout=SECONDS, check=False,
    )  # fmt: skip

    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("variables", [{"LANG": "C", "LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {}], ids=str)
def test_names_of_all_scripts_in_every_locale(yard: Yard, variables: dict[str, str]) -> None:
    yard.variables = variables

    done = run(yard, "submit", "echo 日本 ü; true", "--notes", "Grüße 日本", "--wait", "--json")

    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    job = json.loads(done.stdout)
    assert job["notes"] == "Grüße 日本"
    assert run(yard, "logs", str(job["id"])).returncode == 0
    assert run(yard, "job", str(job["id"])).returncode == 0


@pytest.mark.parametrize("columns", [1, 40, 80, 300])
def test_tables_fit_the_terminal(yard: Yard, columns: int) -> None:
    yard.ok("submit", "true", "--hold", "--notes", "日本 " * 30)

    status, screen = on_terminal(yard, "ls", columns=columns)

    assert status == 0
    assert "JOB" in screen
    widest = max(len(line) for line in uncoloured(screen).splitlines())
    assert widest <= max(columns, 24)


def uncoloured(screen: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen)


def test_no_terminal_no_colours(yard: Yard) -> None:
    yard.ok("submit", "true", "--hold")

    assert b"\x1b" not in run(yard, "ls").stdout


def test_a_login_at_a_terminal_asks_without_showing_the_password(yard: Yard, yard_site: SiteUnderTest) -> None:
    make = "from accounts.models import User; User.objects.create_user('cat', password='whiskers-9')"
    yard_site.manage("shell", "-v", "0", "-c", make)
    yard.token = ""

    status, screen = on_terminal(
        yard, "login", yard.site, typed=[("User name", b"cat\n"), ("Password of cat", b"whiskers-9\n")]
    )

    assert status == 0, screen
    assert "You are cat at" in screen
    assert yard.json("whoami")["user"] == "cat"


def test_a_watch_ends_when_nothing_is_left(yard: Yard) -> None:
    yard.ok("queue", "add", "watched")
    yard.ok("submit", "sleep 1", "--queue", "watched")

    lines = run(yard, "watch", "watched", "--until-done", "--interval", "0.2").stdout.decode()
    status, screen = on_terminal(yard, "watch", "watched", "--until-done", columns=40)

    assert "succeeded" in lines.splitlines()[-1]
    assert status == 0
    assert "succeeded" in screen


@pytest.mark.meets("BD-54")
def test_the_shell_takes_the_same_commands(yard: Yard) -> None:
    script = (
        b"# a comment\nstats --json\nyard submit 'echo a; echo b' --follow\nshell\nbad 'quote\nls --stats\nexit\nls\n"
    )

    result = yard("shell", stdin=script)

    assert result.status == 2
    assert '"default"' in result.out
    assert "a\nb\n" in result.out
    assert "Did you mean --status?" in result.err
    assert "this is the shell" in result.err
    assert "No closing quotation" in result.err


TYPED = [("yard>", b"conf\tpath\n"), ("yard>", b"nonsense\n"), ("yard>", b"exit\n")]


def test_the_shell_at_a_terminal_completes_and_remembers(yard: Yard) -> None:
    status, screen = on_terminal(yard, "shell", typed=TYPED)

    history = (yard.config / "history").read_text()
    assert status == 2
    assert "config path" in history
    assert "tokens" in screen
    assert (yard.config / "history").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["yard", "que"], "queue"),
        (["yard", "queue", "view", "def"], "default"),
        (["yard", "submit", "--type", "comm"], "command"),
        (["yard", "submit", "--queue", "="], "default"),
        (["yard", "submit", "--url", "http", "://", "127.0.0.1", "--queu"], "--queue"),
        (["yard", "job", "can"], "cancel"),
        (["yard", "ls", "--state", "run"], "running"),
    ],
    ids=str,
)  # fmt: skip
def test_a_shell_completes_commands_and_names(yard: Yard, words: list[str], expected: str) -> None:
    yard.variables = {"_YARD_COMPLETE": "complete_bash", "_YARD_WORDS": "\n".join(words)}

    assert expected in run(yard).stdout.decode().split()


def test_completion_never_fails_where_no_site_is(stranger: Yard) -> None:
    stranger.site = "http://127.0.0.1:1"
    stranger.variables = {"_YARD_COMPLETE": "complete_bash", "_YARD_WORDS": "yard\nqueue\nview\nd"}

    done = run(stranger)

    assert (done.stdout.strip(), done.stderr) == (b"", b"")
