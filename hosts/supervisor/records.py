from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from hosts.transports.quoting import as_bytes

# What holds a run's secrets, in its directory.
SECRETS = "secrets"
RUN_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}\Z")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# What the shells themselves keep (some of it read-only), or what tells a run's processes.
RESERVED_VARIABLES = frozenset(
    {
        "BASHOPTS", "BASH_VERSINFO", "BATCHYARD_MARK", "BATCHYARD_RUN", "EUID", "LINENO", "OPTIND", "PPID",
        "RANDOM", "SHELLOPTS", "UID",
    }
)  # fmt: skip


class EndKind(StrEnum):
    """How a run ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Started:
    """Journal: a command began. `start_ticks` and `uptime_seconds` count from the host's boot."""

    name: str
    pid: int
    start_ticks: int
    uptime_seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Journal or slot: a command ended, or could not be started (refused: its stderr says why).

    code        the exit code; the signal's number for signalled; for timed_out what the command
                made of it, 128 + signal if a signal ended it.
    has_record  False if the run's directory was gone at the end, and its output with it.

    A command ended by SIGINT or SIGPIPE reads as exited 130 or 141: the shell does not tell.
    """

    name: str
    kind: EndKind
    code: int
    uptime_seconds: float
    has_stdout: bool
    has_stderr: bool
    has_record: bool = True

    @property
    def exit_code(self) -> int | None:
        """The exit code. None if a signal ended the command or it never began."""
        return self.code if self.kind in {EndKind.EXITED, EndKind.TIMED_OUT} else None

    @property
    def signal(self) -> int | None:
        """The number of the signal that ended the command. None if none did."""
        return self.code if self.kind is EndKind.SIGNALLED else None


@dataclass(frozen=True, slots=True)
class Killed:
    """Journal: a kill is over. `pids` are still alive all the same."""

    name: str
    pids: tuple[int, ...]

    @property
    def is_gone(self) -> bool:
        return not self.pids


@dataclass(frozen=True, slots=True)
class Garbled:
    """Journal: a line that is no record, as a full disk or a crash leaves them."""

    line: bytes


JournalRecord = Started | Ended | Killed | Garbled

_STARTED = re.compile(r"S ([A-Za-z0-9._-]{1,80}) (\d+) (\d+) (\d+)")
_ENDED = re.compile(r"E ([A-Za-z0-9._-]{1,80}) (exited|signalled|timed_out|refused) (\d+) (\d+) (-?[oeg]*)")
_KILLED = re.compile(r"K ([A-Za-z0-9._-]{1,80}) (?:gone|left((?: \d+)+))")


def parse_journal(data: bytes) -> tuple[list[JournalRecord], int]:
    """The records of the complete lines of `data`, and how many bytes these lines take.

    What follows the last newline is not consumed: it is the beginning of a line that is still to come.
    """
    consumed_bytes = data.rfind(b"\n") + 1
    return [_parse_line(line) for line in data[:consumed_bytes].split(b"\n")[:-1]], consumed_bytes


def _parse_line(line: bytes) -> JournalRecord:
    text = line.decode("ascii", "replace")
    if started := _STARTED.fullmatch(text):
        name, pid, ticks, uptime = started.groups()
        return Started(name, pid=int(pid), start_ticks=int(ticks), uptime_seconds=int(uptime) / 100)
    if ended := _ENDED.fullmatch(text):
        name, *words = ended.groups()
        return parse_end(name, words=words)
    if killed := _KILLED.fullmatch(text):
        return Killed(killed[1], pids=tuple(int(pid) for pid in (killed[2] or "").split()))
    return Garbled(line)


def parse_end(name: str, *, words: list[str]) -> Ended:
    """What `<kind> <code> <uptime> <flags>` says. ValueError if they are not that."""
    kind, code, uptime, flags = words
    return Ended(
        name,
        kind=EndKind(kind),
        code=int(code),
        uptime_seconds=int(uptime) / 100,
        has_stdout="o" in flags,
        has_stderr="e" in flags,
        has_record="g" not in flags,
    )


class RunState(StrEnum):
    """What a look at a run on its host finds.

    claimed          the gate is taken, no command has begun
    supervisor_died  the command lives, what would write down its exit code does not
    lost             both are dead and there is no exit code
    rebooted         the host was booted since, and there is no exit code
    garbled          its record cannot be read
    """

    ABSENT = "absent"
    CLAIMED = "claimed"
    RUNNING = "running"
    ENDED = "ended"
    SUPERVISOR_DIED = "supervisor_died"
    LOST = "lost"
    REBOOTED = "rebooted"
    GARBLED = "garbled"


@dataclass(frozen=True, slots=True)
class Look:
    """One run as its host has it now.

    pid          of a command that lives, else None.
    end          set exactly when the state is ended.
    start_ticks  when a command that has ended began, counted from the host's boot.
    may_start    claimed, and it can begin yet. Claimed without it never ran and never will.
    """

    name: str
    state: RunState
    end: Ended | None = None
    pid: int | None = None
    start_ticks: int | None = None
    may_start: bool = False


class ScriptLike(Protocol):
    """What a run executes: a script and what reads it (None: what its `#!` line names, else sh)."""

    @property
    def text(self) -> str: ...
    @property
    def interpreter(self) -> str | None: ...
    @property
    def digest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Script:
    """A script as plain text."""

    text: str
    interpreter: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal, of interpreter and text."""
        return hashlib.sha256(as_bytes(f"{self.interpreter or ''}\0{self.text}")).hexdigest()


@dataclass(frozen=True, slots=True)
class Turn:
    """Not before the command of run `after` has ended, and not at all if that takes longer than `patience_seconds`."""

    after: str
    patience_seconds: float


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A command to be run once on a host, under a name that is its identity there.

    directory           where it begins; None is the account's home.
    time_limit_seconds  then TERM, `grace_seconds`, KILL; None is no limit.
    secrets             contents of files in `secrets/` of the run's directory, by name: its account's alone, and
                        removed when the command has ended.
    turn                when it may begin; None is at once. Only where a resident launches.

    Raises ValueError for what no host could do.
    """

    name: str
    script: ScriptLike
    environment: Mapping[str, str | bytes] = field(default_factory=dict)
    directory: str | None = None
    time_limit_seconds: int | None = None
    grace_seconds: int = 10
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    turn: Turn | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.time_limit_seconds is not None and self.time_limit_seconds < 1:
            raise ValueError(
                f'The time limit of run "{self.name}" is {self.time_limit_seconds} s; at least 1 is possible.'
            )
        if self.grace_seconds < 0:
            raise ValueError(f'The grace of run "{self.name}" is {self.grace_seconds} s; at least 0 is possible.')
        for variable, value in self.environment.items():
            _check_variable(variable, value=value, run=self.name)
        for name, text in self.secrets.items():
            if not VARIABLE_NAME.match(name) or "\0" in text:
                raise ValueError(f'The secret "{name}" of run "{self.name}" holds a NUL, or no file can be named so.')
        if "\0" in self.script.text or "\0" in (self.directory or ""):
            raise ValueError(
                f'The script or directory of run "{self.name}" holds a NUL, which no file system call takes.'
            )


def check_name(name: str) -> None:
    """Raises ValueError if `name` cannot name a run."""
    if not RUN_NAME.match(name) or name in {".", ".."}:
        raise ValueError(f'Run "{name}" cannot be named so: 1 to 80 of A-Z a-z 0-9 . _ - are possible.')


def _check_variable(variable: str, *, value: str | bytes, run: str) -> None:
    if not VARIABLE_NAME.match(variable) or variable in RESERVED_VARIABLES:
        raise ValueError(f'Run "{run}" cannot have the environment variable "{variable}".')
    if b"\0" in as_bytes(value):
        raise ValueError(f'The environment variable "{variable}" of run "{run}" holds a NUL.')


class LaunchKind(StrEnum):
    """What became of a request.

    Duplicate: a run of that name was made before, and this changed nothing. Held: it has no gate yet; it will be
    started in its turn, or forgotten once its patience is over or the connection has ended.
    """

    STARTED = "started"
    HELD = "held"
    DUPLICATE = "duplicate"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LaunchAnswer:
    """What became of a request. After failed the name is free again."""

    kind: LaunchKind
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a host says of itself.

    heard_at       when it was heard, by our time.monotonic.
    clock_seconds  since the epoch, by its wall clock.
    free_bytes     where its directory is. None: it did not tell.
    has_resident   a resident launches; else the shell does.
    """

    directory: str
    home: str
    boot_id: str
    heard_at: float
    uptime_seconds: float
    clock_seconds: int
    shell: str
    journal_bytes: int
    free_bytes: int | None
    has_python: bool
    has_resident: bool = False


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long a run's output is. None: that file did not change lately, or has nothing."""

    stdout_bytes: int | None
    stderr_bytes: int | None
