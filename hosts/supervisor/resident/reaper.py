"""Writes down how runs end, and ends those that run too long."""

from __future__ import annotations

import contextlib
import heapq
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence

from hosts.supervisor.resident.places import (
    PROCESS_BYTES,
    SLOT_BYTES,
    began_ticks,
    forget,
    has_bytes,
    read,
    slot,
    uptime,
    write,
)

# What Python ignores, a command must not.
TO_DEFAULT = (signal.SIGPIPE, signal.SIGXFSZ)
STOP = '. "./$0.sh" && by_probe && by_stop "$@"'
WAKING_BYTES = 4096


class Run:
    """A run whose command lives. `is_late`: its time limit has passed, and it has so many seconds of grace."""

    __slots__ = ("grace_seconds", "is_late", "name")

    def __init__(self, name: str, *, grace_seconds: int) -> None:
        self.name = name
        self.grace_seconds = grace_seconds
        self.is_late = False


class Reaper:
    """Sees to the runs that are children of this process.

    selector  gets readable callbacks of others too; waiting is here.
    names     of the runs whose commands live.
    on_over   is told the name of each run whose command has ended, before the journal is.
    """

    def __init__(self, *, on_over: Callable[[str], None] = lambda name: None) -> None:
        self.runs: dict[int, Run] = {}
        self.names: set[str] = set()
        self._on_over = on_over
        self.site = read("id").strip().decode()
        self.selector = selectors.DefaultSelector()
        self._boot = read("/proc/sys/kernel/random/boot_id").strip().decode()
        self._limits: list[tuple[float, int, Run]] = []
        self._lines: list[str] = []
        woken, wakes = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, note)
        self.selector.register(woken, selectors.EVENT_READ, lambda: os.read(woken, WAKING_BYTES))

    def turn(self, *, at_most_seconds: float | None = None) -> None:
        """Wait for something to happen, and see to it."""
        seconds = [] if at_most_seconds is None else [at_most_seconds]
        if self._limits:
            seconds.append(max(0.0, self._limits[0][0] - time.monotonic()))
        for key, _ in self.selector.select(min(seconds, default=None)):
            key.data()
        self.settle()

    def settle(self) -> None:
        """Write down what has ended, begin to end what is late, and tell the journal."""
        self._reap()
        self._end_late()
        if self._lines:
            # Opened anew, as the journal may have been handed over. What a full disk keeps from it, a look finds.
            with contextlib.suppress(OSError):
                write("journal", "".join(self._lines).encode(), flags=os.O_CREAT)
            self._lines = []

    def process_line(self, pid: int, *, ticks: int) -> bytes:
        """The record's second line. Process 0: it may have begun, and whether it has only this process knows."""
        return f"{pid} {ticks} {self._boot} {os.getpid()}".ljust(PROCESS_BYTES - 1).encode() + b"\n"

    def begun(self, name: str, *, pid: int, record: int, limit_seconds: int | None, grace_seconds: int) -> None:
        """A command has begun. `record` is open for writing."""
        ticks = began_ticks(pid)
        os.pwrite(record, self.process_line(pid, ticks=ticks), SLOT_BYTES)
        self._lines.append(f"S {name} {pid} {ticks} {uptime()}\n")
        self._watch(pid, Run(name, grace_seconds=grace_seconds), limit_seconds=limit_seconds)

    def ended(self, name: str, *, kind: str, code: int) -> None:
        forget(name)
        streams = (("o", "stdout"), ("e", "stderr"))
        flags = "".join(flag for flag, stream in streams if has_bytes(f"runs/{name}/{stream}"))
        told = f"{kind} {code} {uptime()} {flags or '-'}"
        try:
            record = os.open(f"runs/{name}/run", os.O_WRONLY)
        except OSError:
            # A command that removed its own directory has no slot.
            told += "g"
        else:
            os.pwrite(record, slot(told), 0)
            os.close(record)
        self._lines.append(f"E {name} {told}\n")

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (child := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                if (run := self.runs.pop(child.si_pid, None)) is not None:
                    self._judge(run, code=child.si_status, is_killed=child.si_code != os.CLD_EXITED)
                # Only now: until then whoever outlives this process can still learn how it ended.
                os.waitpid(child.si_pid, 0)
                if run is not None:
                    self.names.discard(run.name)
                    self._on_over(run.name)

    def _judge(self, run: Run, *, code: int, is_killed: bool) -> None:
        if run.is_late:
            self.ended(run.name, kind="timed_out", code=code + (128 if is_killed else 0))
        else:
            self.ended(run.name, kind="signalled" if is_killed else "exited", code=code)

    # --- time limit ---

    def _watch(self, pid: int, run: Run, *, limit_seconds: int | None) -> None:
        self.runs[pid] = run
        self.names.add(run.name)
        if limit_seconds is not None:
            heapq.heappush(self._limits, (time.monotonic() + limit_seconds, pid, run))

    def _end_late(self) -> None:
        while self._limits and self._limits[0][0] <= time.monotonic():
            _, pid, run = heapq.heappop(self._limits)
            if self.runs.get(pid) is not run:
                continue
            run.is_late = True
            try:
                self._stop(run)
            except OSError:
                heapq.heappush(self._limits, (time.monotonic() + 1.0, pid, run))

    @staticmethod
    def _stop(run: Run) -> None:
        """Begin to end a run's processes, as a kill does. Raises OSError if no process can be made for that."""
        nothing = [(os.POSIX_SPAWN_OPEN, end, os.devnull, os.O_RDWR, 0) for end in (0, 1, 2)]
        command = ["sh", "-c", STOP, own_name(), str(run.grace_seconds), run.name]
        os.posix_spawnp("sh", command, os.environ, file_actions=nothing, setsid=True, setsigdef=TO_DEFAULT)
        # For whoever outlives this process. Its command may have removed the directory.
        with contextlib.suppress(OSError):
            write(f"runs/{run.name}/run", b"timed_out\n", flags=0)

    # --- after another's death ---

    def outlive(self, dead: int) -> None:
        """See the runs to their end that a process which is dead has started: they are children of this one now."""
        for name in os.listdir("runs"):
            try:
                first, process, *more = read(f"runs/{name}/run").decode().split("\n")
                pid, _, boot, supervisor = process.split()
            except (OSError, ValueError):
                continue
            if first.startswith("open ") and (boot, supervisor) == (self._boot, str(dead)):
                self._take_up(name, pid=int(pid) or self._marked(name), more=more)
        self.settle()
        while self.runs:
            self.turn()

    def _take_up(self, name: str, *, pid: int, more: Sequence[str]) -> None:
        if not pid:
            # It has not begun, or was over before its number was written down: nobody knows how.
            return
        limits = [(int(words[1]), int(words[2])) for line in more if (words := line.split())[:1] == ["limit"]]
        until, grace_seconds = limits[0] if limits else (None, 0)
        run = Run(name, grace_seconds=grace_seconds)
        run.is_late = "timed_out" in more
        with open(f"runs/{name}/run", "rb+", buffering=0) as record:
            os.pwrite(record.fileno(), self.process_line(pid, ticks=began_ticks(pid)), SLOT_BYTES)
        self._watch(pid, run, limit_seconds=None if until is None else max(0, until - uptime()) // 100)

    def _marked(self, name: str) -> int:
        """The child that carries the marker of a run. 0 if none does."""
        mark = f"BATCHYARD_MARK=:{self.site}:{name}:".encode()
        for pid in map(int, read(f"/proc/self/task/{os.getpid()}/children").split()):
            with contextlib.suppress(OSError):
                if mark in read(f"/proc/{pid}/environ").split(b"\0"):
                    return pid
        return 0


def own_name() -> str:
    """What the files of this version are called, without their endings."""
    return os.path.basename(sys.argv[0])[: -len(".py")]


def note(number: int, frame: object) -> None:
    """A signal was caught, and nothing more: one that is ignored would stay ignored in commands."""
