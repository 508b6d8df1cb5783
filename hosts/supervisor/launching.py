from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from hosts.supervisor.records import RunRequest, ScriptLike
from hosts.transports.quoting import quoted


def launch_text(requests: Sequence[RunRequest], *, scripts: Mapping[str, ScriptLike]) -> bytes:
    """What a host's shell executes to start `requests`, and to keep `scripts` (by digest) before.

    It is one compound command: half of it, when a connection breaks, is a syntax error and starts nothing.

    The gates are passed and answered in a subshell, whose last command is a pipeline of one supervising
    shell for each run. A pipeline, because what is started with `&` ignores SIGINT and SIGQUIT, and so would
    the command. Its last part kills the subshell, so nobody waits for the runs and no process but theirs stays.
    """
    return b"\n".join(_lines(requests, scripts=scripts))


def _lines(requests: Sequence[RunRequest], *, scripts: Mapping[str, ScriptLike]) -> Iterator[bytes]:
    yield b"("
    yield b"by_now"
    names = b" ".join(request.name.encode() for request in requests)
    for digest, script in scripts.items():
        yield b"by_keep %s %s || { by_give_up %s; exit; }" % (quoted(digest), quoted(script.text), names)
    # Written out here: a list that a shell builds word by word costs it the square of its length.
    yield b"mkdir -p -- " + b" ".join(b"runs/" + request.name.encode() for request in requests)
    for number, request in enumerate(requests):
        yield b"by_claim %s && by_%d=1" % (request.name.encode(), number)
    yield b"read -r by_self by_x </proc/self/stat"
    for number, request in enumerate(requests):
        yield b'{ [ "$by_%d" ] || exit; by_values() { %s; }; %sby_run %s; } </dev/null >/dev/null |' % (
            number,
            _exports(request),
            _secrets(request),
            _arguments(request),
        )
    yield b'kill -s KILL "$by_self"'
    yield b")"


def _exports(request: RunRequest) -> bytes:
    pairs = (b"%s=%s" % (name.encode(), quoted(value)) for name, value in request.environment.items())
    return b" ".join((b"export", *pairs)) if request.environment else b":"


def _secrets(request: RunRequest) -> bytes:
    """A function instead of the one that keeps none. The shell itself writes them: no program has them as arguments."""
    kept = (b"by_hide %s %s" % (name.encode(), quoted(text)) for name, text in request.secrets.items())
    return b"by_secrets() { %s; }; " % b" && ".join(kept) if request.secrets else b""


def _arguments(request: RunRequest) -> bytes:
    needed, command = interpreter_of(request.script)
    limit = "" if request.time_limit_seconds is None else str(request.time_limit_seconds)
    words = (
        request.name,
        request.script.digest,
        request.directory or "",
        limit,
        str(request.grace_seconds),
        needed,
        *command,
    )
    return b" ".join(quoted(word) for word in words)


def interpreter_of(script: ScriptLike) -> tuple[str, tuple[str, ...]]:
    """The program that must be there for `script`, and the command that gets the script's path.

    We read the `#!` line as the kernel would (a program and at most one argument), rather than leave it to
    the kernel: so a missing program is told from a command that exits with 127, and a directory mounted
    noexec will do.
    """
    if script.interpreter is not None:
        return script.interpreter, (script.interpreter,)
    if not script.text.startswith("#!"):
        return "sh", ("sh",)
    program, _, argument = script.text[2:].partition("\n")[0].strip(" \t\r").partition(" ")
    argument = argument.strip(" \t")
    if not argument:
        return program or "sh", (program or "sh",)
    looks_up = PurePosixPath(program).name == "env" and argument.replace(".", "").replace("-", "_").isidentifier()
    return argument if looks_up and not argument.startswith("-") else program, (program, argument)
