from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from pathlib import Path

from hosts.supervisor.client import Supervisor
from hosts.supervisor.records import (
    Ended,
    JournalRecord,
    Killed,
    LaunchKind,
    Look,
    RunRequest,
    Script,
    Started,
    parse_journal,
)
from hosts.transports.base import Transport

WAIT_SECONDS = 20


def run_of(name: str, text: str, **wanted: object) -> RunRequest:
    """A run of a shell script."""
    return RunRequest(name, script=Script(text, interpreter="sh"), **wanted)  # type: ignore[arg-type]


def wait_until(is_met: Callable[[], object], *, what: str) -> None:
    """Returns when `is_met`. Fails the test at the deadline."""
    deadline = time.monotonic() + WAIT_SECONDS
    pause = threading.Event()
    while not is_met():
        assert time.monotonic() < deadline, f"In vain waited for: {what}"
        pause.wait(0.01)


def marked_pids(marker: str) -> set[int]:
    """What is alive and has a variable that begins so, as this machine's /proc has it."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            variables = (place / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(marker.encode()) for variable in variables):
                found.add(int(place.name))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


class Site:
    """A connected host with what a test asks of it."""

    def __init__(self, connect: Callable[[], Transport], *, directory: Path, has_resident: bool = True) -> None:
        self._connect = connect
        self.directory = directory
        self.has_resident = has_resident
        self.records: list[JournalRecord] = []
        self._names: set[str] = set()
        self._unread = b""
        self._offset = 0
        self.open()

    def open(self) -> None:
        """Connects, and follows the journal from where it was left."""
        self.transport = self._connect()
        self.shell = self.transport.open_shell(timeout_seconds=10)
        self.supervisor = Supervisor(
            self.shell,
            directory=str(self.directory),
            open_shell=(lambda: self.transport.open_shell(timeout_seconds=10)) if self.has_resident else None,
        )
        self.hello = self.supervisor.hello()
        self._follower = self.transport.follow(self.supervisor.journal_path, offset=self._offset)
        self._unread = b""

    def close(self) -> None:
        self.transport.close()

    def launch(self, *requests: RunRequest) -> list[LaunchKind]:
        self._names |= {request.name for request in requests}
        answers = self.supervisor.launch(requests)
        return [answers[request.name].kind for request in requests]

    def look(self, name: str) -> Look:
        return self.supervisor.look([name])[name]

    def read_journal(self, *, wait_seconds: float) -> None:
        select.select([self._follower.fileno()], [], [], wait_seconds)
        self._unread += self._follower.read()
        records, consumed_bytes = parse_journal(self._unread)
        self.records += records
        self._unread = self._unread[consumed_bytes:]
        self._offset += consumed_bytes

    def wait_for(self, is_wanted: Callable[[JournalRecord], bool], *, what: str) -> JournalRecord:
        """The first such record of the journal, read until it comes."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            for record in self.records:
                if is_wanted(record):
                    return record
            assert time.monotonic() < deadline, f"Not in the journal: {what}; there is: {self.records}"
            self.read_journal(wait_seconds=0.5)

    def started(self, name: str) -> Started:
        record = self.wait_for(lambda each: isinstance(each, Started) and each.name == name, what=f"start of {name}")
        assert isinstance(record, Started)
        return record

    def ended(self, name: str) -> Ended:
        record = self.wait_for(lambda each: isinstance(each, Ended) and each.name == name, what=f"end of {name}")
        assert isinstance(record, Ended)
        return record

    def killed(self, name: str) -> Killed:
        record = self.wait_for(lambda each: isinstance(each, Killed) and each.name == name, what=f"kill of {name}")
        assert isinstance(record, Killed)
        return record

    def run(self, request: RunRequest) -> Ended:
        """How the run ended."""
        assert self.launch(request) == [LaunchKind.STARTED]
        return self.ended(request.name)

    def supervisors(self, name: str) -> list[int]:
        """The processes that would write down how the run ends, in the order in which one can do without the other."""
        pid = int((self.directory / "runs" / name / "run").read_text().splitlines()[1].split()[3])
        if not self.has_resident:
            return [pid]
        return [int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1]), pid]

    def pids(self, name: str) -> set[int]:
        """What is alive of the run, but for what has another environment."""
        return marked_pids(f"{self._marker}{name}:")

    @property
    def _marker(self) -> str:
        return f"BATCHYARD_MARK=:{(self.directory / 'id').read_text().strip()}:"

    def stdout(self, name: str) -> bytes:
        return self.transport.read(self.supervisor.stdout_path(name), offset=0, limit_bytes=1 << 24)

    def stderr(self, name: str) -> bytes:
        return self.transport.read(self.supervisor.stderr_path(name), offset=0, limit_bytes=1 << 24)

    def clear(self) -> None:
        """Ends what still runs, and the connection."""
        if not self.transport.is_open or not self.shell.is_open:
            self.transport.close()
            self.open()
        self.supervisor.kill(sorted(self._names), grace=None)
        wait_until(lambda: not marked_pids(self._marker), what="the end of all runs")
        self.close()
