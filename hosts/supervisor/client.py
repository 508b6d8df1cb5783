from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

from hosts.supervisor import source
from hosts.supervisor.launching import launch_text
from hosts.supervisor.orders import Orders, open_orders
from hosts.supervisor.records import (
    EndKind,
    Hello,
    LaunchAnswer,
    LaunchKind,
    Look,
    RunRequest,
    RunState,
    Sizes,
    check_name,
    parse_end,
)
from hosts.transports.base import HostUnsuitable, Shell, TransportBroken
from hosts.transports.quoting import quoted

_FILE = f"{source.NAME}.sh"
# A request is parsed by the host's shell as one command: a bound for its memory and for one answer's wait.
BATCH = 250
_NAMES = 2000
# Longer than the supervisor's own patience (30 s): in between a claimed run may still begin.
_MAY_START_SECONDS = 31
_ROTATE_BYTES = 8 * 1024 * 1024


class Supervisor:
    """Starts runs on a host and says what became of them. One caller at a time; `hello` first.

    directory   on the host: absolute, or beneath the home as `~/...`. It is made if missing.
    open_shell  another shell on the host, for the resident that launches where Python is. None: the shell launches.

    Every method may raise TransportBroken; then connect anew and look.
    """

    def __init__(
        self,
        shell: Shell,
        *,
        directory: str,
        open_shell: Callable[[], Shell] | None = None,
        timeout_seconds: float = 20.0,
    ) -> None:
        self._shell = shell
        self._open_shell = open_shell
        self._orders: Orders | None = None
        self._directory = directory
        self._timeout_seconds = timeout_seconds
        self._base: PurePosixPath | None = None
        self._kept_digests: set[str] = set()
        self._ordered: tuple[set[str], frozenset[str]] = (set(), frozenset())

    # --- paths on the host, after hello ---

    @property
    def journal_path(self) -> str:
        return str(self._place("journal"))

    def stdout_path(self, name: str) -> str:
        return str(self._place("runs", name, "stdout"))

    def stderr_path(self, name: str) -> str:
        return str(self._place("runs", name, "stderr"))

    def run_path(self, name: str) -> str:
        return str(self._place("runs", name, "run"))

    def _place(self, *parts: str) -> PurePosixPath:
        if self._base is None:
            raise RuntimeError("Say hello to the host first: only it knows where its directory is.")
        return self._base.joinpath(*parts)

    # --- requests ---

    def hello(self) -> Hello:
        """What the host says of itself. Its directory and our functions are there afterwards.

        Raises HostUnsuitable.
        """
        if not self._source():
            self._push()
            if not self._source():
                raise HostUnsuitable(f"{self._directory} cannot be written or {_FILE} cannot be read.")
        said = {word: rest for word, _, rest in (line.partition(" ") for line in self._ask(b"by_hello"))}
        heard_at = time.monotonic()
        if reason := said.get("unsuitable"):
            raise HostUnsuitable(reason)
        hello = _parse_hello(said, heard_at=heard_at)
        self._base = PurePosixPath(hello.directory)
        self._kept_digests.clear()
        if self._orders is None and hello.has_python:
            self._orders = self._open_orders()
        return replace(hello, has_resident=self._orders is not None)

    def _open_orders(self) -> Orders | None:
        if self._open_shell is None:
            return None
        return open_orders(self._open_shell(), directory=_shell_path(self._directory), name=source.NAME)

    def launch(self, requests: Sequence[RunRequest]) -> dict[str, LaunchAnswer]:
        """What became of each request, by name. Each name is started at most once, whoever asks how often.

        Started means: its gate is taken and it is on its way. What then hinders it stands in the
        journal (refused), or a look finds it claimed and past starting.
        """
        answers: dict[str, LaunchAnswer] = {}
        for first in range(0, len(requests), BATCH):
            found = self.order(requests[first : first + BATCH])
            while found is None:
                found = self.answers()
            answers = found | answers
        return answers

    def order(self, requests: Sequence[RunRequest]) -> dict[str, LaunchAnswer] | None:
        """Begins to launch at most `BATCH` runs: their answers, or None while they have to be waited for.

        Then `answers` has them once `orders` polls readable, and until then nothing else may be ordered.
        """
        scripts = {request.script.digest: request.script for request in requests}
        missing = {digest: script for digest, script in scripts.items() if digest not in self._kept_digests}
        self._ordered = ({request.name for request in requests}, frozenset(missing))
        if self._orders is None:
            return self._understood(self._ask(launch_text(requests, scripts=missing)))
        self._orders.send(requests, scripts=missing, timeout_seconds=self._timeout_seconds)
        return None

    @property
    def orders(self) -> Orders | None:
        """What polls readable when there may be answers. None: the shell launches, and answers at once."""
        return self._orders

    def answers(self) -> dict[str, LaunchAnswer] | None:
        """The answers to what was ordered, as for `launch`; None as long as they are not complete. May wait."""
        lines = self._orders.receive() if self._orders is not None else None
        return None if lines is None else self._understood(lines)

    def _understood(self, lines: Sequence[str]) -> dict[str, LaunchAnswer]:
        names, digests = self._ordered
        said: dict[str, str] = {}
        for kind, name, _ in map(_cut, lines):
            # Of a name that stands twice in the request the first line counts: the second is its own duplicate.
            said.setdefault(name, kind)
        if said.keys() != names:
            raise TransportBroken(f"The host answered a launch of {len(names)} runs with {len(said)} lines.")
        if LaunchKind.FAILED not in said.values():
            self._kept_digests |= digests
        return {name: _launch_answer(kind) for name, kind in said.items()}

    def look(self, names: Sequence[str]) -> dict[str, Look]:
        """Each run as it is now."""
        return {look.name: look for look in map(_parse_look, self._ask_about(names, function=b"by_look"))}

    def recall(self, names: Sequence[str]) -> set[str]:
        """Takes the gates of those runs that have not begun, so that they never will: which. Asking again is safe.

        Raises TransportBroken also if the host has no space for that.
        """
        said = {name: word for word, name, _ in map(_cut, self._ask_about(names, function=b"by_recall"))}
        if said.keys() != set(names) or "failed" in said.values():
            raise TransportBroken(f"The host could not call off {len(names)} runs: {said}.")
        return {name for name, word in said.items() if word == "recalled"}

    def kill(self, names: Sequence[str], *, grace: timedelta | None) -> None:
        """Begins to end all processes of the runs: TERM, `grace`, KILL; without a grace KILL at once.

        What came of it is a Killed in the journal, at most 3 s after the grace.
        """
        seconds = b"-" if grace is None else b"%d" % max(0, round(grace.total_seconds()))
        self._ask_about(names, function=b"by_kill " + seconds)

    def pause(self, names: Sequence[str]) -> dict[str, int]:
        """How many processes of each run were frozen. A time limit goes on counting."""
        return self._count(names, function=b"by_freeze")

    def resume(self, names: Sequence[str]) -> dict[str, int]:
        """How many processes of each run were found and go on."""
        return self._count(names, function=b"by_thaw")

    def _count(self, names: Sequence[str], *, function: bytes) -> dict[str, int]:
        counts = dict.fromkeys(names, 0)
        for line in self._ask_about(names, function=function):
            counts[_cut(line)[1].partition(":")[0]] += 1
        return counts

    def sizes(self, names: Sequence[str], *, changed_within_minutes: int | None = 2) -> dict[str, Sizes]:
        """The sizes of those output files that have changed lately; with None of all."""
        minutes = b"-" if changed_within_minutes is None else b"%d" % changed_within_minutes
        found: dict[str, dict[str, int]] = {}
        for line in self._ask_about(names, function=b"by_sizes " + minutes, words=_output_paths):
            _, size, path = _cut(line)
            _, name, stream = path.split("/")
            found.setdefault(name, {})[stream] = int(size)
        return {name: Sizes(each.get("stdout"), each.get("stderr")) for name, each in found.items()}

    def drop(self, names: Sequence[str]) -> None:
        """Removes everything that the host keeps of the runs. What still runs goes on, without a record."""
        self._ask_about(names, function=b"rm -rf --", words="runs/{}".format)

    def old(self, *, older_than: timedelta) -> list[str]:
        """The runs on the host that ended longer ago than that (whole minutes), however they did."""
        minutes = int(older_than.total_seconds() // 60)
        return [_cut(line)[1] for line in self._ask(b"by_old %d" % minutes)]

    def rotate(self, *, consumed_bytes: int, at_least_bytes: int = _ROTATE_BYTES) -> bytes | None:
        """Begins a new journal if all of the old one is consumed; what was written to the old one in between.

        None: not rotated, as it is small or has more lines by now. Otherwise follow it anew, from 0.
        """
        if consumed_bytes < at_least_bytes:
            return None
        lines = self._ask(b"by_rotate %d" % consumed_bytes)
        if "rotated" not in lines:
            return None
        return b"".join(line.removeprefix("line ").encode("latin-1") + b"\n" for line in lines if line != "rotated")

    # --- the conversation ---

    def _source(self) -> bool:
        """Whether the host has our functions and its shell now knows them."""
        name = quoted(f"./{_FILE}")
        text = b"cd -- %s 2>/dev/null && [ -f %s ] && . %s && echo @sourced" % (
            _shell_path(self._directory),
            name,
            name,
        )
        return "sourced" in self._ask(text)

    def _push(self) -> None:
        directory = _shell_path(self._directory)
        # The functions last: where they are, the resident is.
        files = ((f"{source.NAME}.py", source.RESIDENT), (_FILE, source.SHELL))
        parts = (b"printf %%s %s >.push.$$ && mv -f .push.$$ %s" % (quoted(text), quoted(name)) for name, text in files)
        self._ask(b"(umask 077; mkdir -p -- %s && cd -- %s && %s)" % (directory, directory, b" && ".join(parts)))

    def _ask_about(self, names: Sequence[str], *, function: bytes, words: Callable[[str], str] = str) -> list[str]:
        """The answers to `function`, called with the words for each name, in as many requests as that takes."""
        for name in names:
            check_name(name)
        lines: list[str] = []
        for first in range(0, len(names), _NAMES):
            lines += self._ask(function + b" " + " ".join(map(words, names[first : first + _NAMES])).encode())
        return lines

    def _ask(self, text: bytes) -> list[str]:
        """The lines meant for us, without the sign in front of them that noise has not."""
        answer = self._shell.ask(text, timeout_seconds=self._timeout_seconds)
        return [line[1:] for line in answer.output.decode("latin-1").split("\n") if line.startswith("@")]


def _cut(line: str) -> tuple[str, str, str]:
    word, _, rest = line.partition(" ")
    second, _, tail = rest.partition(" ")
    return word, second, tail


def _output_paths(name: str) -> str:
    return f"runs/{name}/stdout runs/{name}/stderr"


def _shell_path(directory: str) -> bytes:
    if directory == "~" or directory.startswith("~/"):
        return b'"$HOME"' + quoted(directory[1:])
    return quoted(directory)


def _parse_hello(said: dict[str, str], *, heard_at: float) -> Hello:
    try:
        uptime, clock, journal_bytes, free, python, shell = said["facts"].split(" ")
        return Hello(
            directory=_as_path(said["base"]),
            home=_as_path(said["home"]),
            boot_id=said["boot"],
            heard_at=heard_at,
            uptime_seconds=int(uptime) / 100,
            clock_seconds=int(clock),
            shell=shell,
            journal_bytes=int(journal_bytes),
            free_bytes=int(free) * 1024 if free.isdecimal() else None,
            has_python=python == "1",
        )
    except (KeyError, ValueError) as problem:
        raise TransportBroken(f"The host's greeting cannot be read: {said}.") from problem


def _as_path(text: str) -> str:
    return os.fsdecode(text.encode("latin-1"))


def _launch_answer(kind: str) -> LaunchAnswer:
    reason = "Its files cannot be made on the host: no space, or no right." if kind == LaunchKind.FAILED else ""
    return LaunchAnswer(LaunchKind(kind), reason=reason)


def _parse_look(line: str) -> Look:
    _, name, tail = _cut(line)
    word, *words = tail.split()
    match state := RunState(word):
        case RunState.ENDED:
            return _parse_look_end(name, words=words)
        case RunState.CLAIMED:
            return Look(name, state=state, may_start=0 <= int(words[0]) < _MAY_START_SECONDS * 100)
        case RunState.RUNNING | RunState.SUPERVISOR_DIED:
            return Look(name, state=state, pid=int(words[0]))
        case _:
            return Look(name, state=state)


def _parse_look_end(name: str, *, words: list[str]) -> Look:
    try:
        *told, since = words
        end = parse_end(name, words=told)
        has_begun = since.isdecimal() and end.kind is not EndKind.REFUSED
        return Look(name, state=RunState.ENDED, end=end, start_ticks=int(since) if has_begun else None)
    except ValueError:
        return Look(name, state=RunState.GARBLED)
