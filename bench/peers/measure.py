"""Jobs a second of each peer: the same program, two workers, until the last one has told of its end."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench.peers.environments import programs_of
from bench.peers.kinds import PEERS, WORKERS, Peer
from bench.peers.servers import SERVERS, program, started
from bench.peers.slurm import slurm
from bench.processes import until
from bench.rows import NotMeasured, Plan, Row
from bench.yardstick import rated

PROGRAMS: Final = Path(__file__).with_name("programs")
WARM: Final = 4
LIMIT_SECONDS: Final = 600.0
# Peers of a few jobs a second.
SLOW: Final = {"slurm": 20}

Submit = Callable[[int], None]


def measure(plan: Plan, *, name: str) -> list[Row]:
    """From the first submission, one by one, to the last job's end."""
    peer = PEERS[name]
    count = min(plan.count(1_000, quick=200), SLOW.get(name, 1_000))
    directory = Path(tempfile.mkdtemp(prefix="peer-", dir=plan.directory))
    done = directory / "done"
    done.touch()
    with _running(name, peer, directory, done) as submit:
        _all_done(submit, done, WARM)
        found = rated(plan, lambda: _all_done(submit, done, count))
    what = f"peer: {peer.title}: {count:,} × `true`"
    return [Row(what=what, value=found.rate, unit="jobs/s", ratio=found.ratio, figures=found.figures)]


def _all_done(submit: Submit, done: Path, count: int) -> float:
    """Jobs per second."""
    before = done.stat().st_size
    began = time.monotonic()
    submit(count)
    until(lambda: done.stat().st_size >= before + count, seconds=LIMIT_SECONDS, what=f"{count} jobs have ended")
    return count / (time.monotonic() - began)


@contextmanager
def _running(name: str, peer: Peer, directory: Path, done: Path) -> Iterator[Submit]:
    for needed in peer.programs:
        program(needed)
    with ExitStack() as stack:
        if name == "tsp":
            yield stack.enter_context(_spooler(directory, done))
        elif name == "slurm":
            yield _batch(stack.enter_context(slurm(directory)), directory, done)
        else:
            yield stack.enter_context(_python(name, peer, directory, done))


@contextmanager
def _python(name: str, peer: Peer, directory: Path, done: Path) -> Iterator[Submit]:
    """A peer that is Python: its server, its workers, and its own way to submit."""
    words = {"bin": str(programs_of(name)), "programs": str(PROGRAMS)}
    with ExitStack() as stack:
        told = stack.enter_context(SERVERS[peer.server](directory)) if peer.server else {}
        own = {"PEER_DONE": str(done), "PEER_SQLITE": str(directory / "peer.sqlite3"), "PYTHONPATH": str(PROGRAMS)}
        env = {**os.environ, **own, **told}
        if peer.prepare:
            subprocess.run(_command(peer.prepare, words), env=env, cwd=directory, check=True, capture_output=True)
        stack.enter_context(started(_command(peer.worker, words), directory=directory, env=env))
        yield stack.enter_context(_submitter(_command(peer.submit, words), directory, env))


@contextmanager
def _submitter(command: list[str], directory: Path, env: Mapping[str, str]) -> Iterator[Submit]:
    """A program that submits as many as a line says and answers with one."""
    pipe = subprocess.PIPE
    with (
        (directory / "submitter.log").open("ab") as log,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, env=env, cwd=directory, text=True) as process,
    ):
        assert process.stdin is not None  # noqa: S101  (asked for just above)
        assert process.stdout is not None  # noqa: S101
        orders, answers = process.stdin, process.stdout

        def submit(count: int) -> None:
            orders.write(f"{count}\n")
            orders.flush()
            if answers.readline() != "submitted\n":
                raise NotMeasured(f"It could not submit: {_last_line(directory / 'submitter.log')}")

        yield submit


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]


def _command(template: tuple[str, ...], words: Mapping[str, str]) -> list[str]:
    return [word.format(**words) for word in template]


def _run(command: list[str], env: Mapping[str, str], cwd: Path | None = None) -> None:
    subprocess.run(command, env=env, cwd=cwd, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


@contextmanager
def _spooler(directory: Path, done: Path) -> Iterator[Submit]:
    # A socket's path may have 107 characters; a longer one tsp does not survive.
    env = {**os.environ, "TS_SOCKET": "tsp.sock", "TMPDIR": str(directory)}
    asks = functools.partial(_run, env=env, cwd=directory)
    asks(["tsp", "-S", str(WORKERS)])
    command = ["tsp", "-n", "sh", "-c", f"true; printf . >>{done}"]

    def submit(count: int) -> None:
        for _ in range(count):
            asks(command)

    try:
        yield submit
    finally:
        asks(["tsp", "-K"])


def _batch(told: Mapping[str, str], directory: Path, done: Path) -> Submit:
    env = {**os.environ, **told}
    script = directory / "job"
    script.write_text(f"#!/bin/sh\ntrue\nprintf . >>{done}\n")

    def submit(count: int) -> None:
        for _ in range(count):
            _run(["sbatch", "-n1", "-o", "/dev/null", "-D", str(directory), str(script)], env)

    return submit


MEASURES: Final = {f"peer-{name}": functools.partial(measure, name=name) for name in PEERS}
