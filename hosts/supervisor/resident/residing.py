"""Starts runs for clients, for as long as there are clients or runs."""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import os
import selectors
import socket
import time
from typing import Any, NamedTuple

from hosts.supervisor.resident.clients import Client, Refused
from hosts.supervisor.resident.places import as_bytes, hide, keep, locked, read, slot, uptime, uptime_ticks, write
from hosts.supervisor.resident.reaper import TO_DEFAULT, Reaper

# As in supervisor.sh: a start that is later than this after its launch, in hundredths of a second, is refused.
PATIENCE = 3000
IDLE_SECONDS = 20.0
RUNS_BETWEEN_LOOKS = 16
ENDS = 3


class Held(NamedTuple):
    """A run that waits for another's end, at most until this uptime in hundredths of a second."""

    client: Client
    wanted: dict[str, Any]
    until: int


class Resident:
    """What listens on the socket of one directory.

    lifeline  is readable once the process that would outlive this one is dead.
    """

    def __init__(self, listener: socket.socket, *, lifeline: int) -> None:
        self._base = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        self._here = os.fsencode(os.getcwd())
        self._reaper = Reaper(on_over=self._succeed)
        self._clients: list[Client] = []
        self._arriving: set[socket.socket] = set()
        self._held: dict[str, Held] = {}
        self._waiting: set[str] = set()
        self._quiet_since = time.monotonic()
        self._listener: socket.socket | None = listener
        listener.setblocking(False)
        self._reaper.selector.register(listener, selectors.EVENT_READ, self._accept)
        self._reaper.selector.register(lifeline, selectors.EVENT_READ, lambda: self._retire(lifeline))

    def serve(self) -> None:
        """Until there is nothing left to do."""
        while not self._is_over():
            self._reaper.turn(at_most_seconds=None if self._is_busy else IDLE_SECONDS)

    @property
    def _is_busy(self) -> bool:
        return bool(self._reaper.runs or self._clients or self._arriving)

    def _is_over(self) -> bool:
        if self._is_busy:
            self._quiet_since = time.monotonic()
            return False
        if self._listener is None:
            return True
        return time.monotonic() - self._quiet_since >= IDLE_SECONDS and self._leave(self._listener)

    def _leave(self, listener: socket.socket) -> bool:
        """Be found no more, unless somebody is on the way here at this moment."""
        try:
            with locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                self._accept()
                if not self._is_busy:
                    os.unlink(listener.getsockname())
        except BlockingIOError:
            return False
        except FileNotFoundError:
            # The directory has been removed.
            return True
        return not self._is_busy

    def _retire(self, lifeline: int) -> None:
        """Nobody would outlive this process: the next client gets a new one. It sees its runs to their end."""
        self._reaper.selector.unregister(lifeline)
        if self._listener is not None:
            with contextlib.suppress(FileNotFoundError), locked():
                os.unlink(self._listener.getsockname())
            self._reaper.selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
        for line in list(self._arriving):
            self._welcome(line)
        for client in list(self._clients):
            self._drop(client)

    # --- clients ---

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._listener is not None:
                self._await(self._listener.accept()[0])

    def _await(self, line: socket.socket) -> None:
        line.setblocking(False)
        self._arriving.add(line)
        self._reaper.selector.register(line, selectors.EVENT_READ, lambda: self._welcome(line))

    def _welcome(self, line: socket.socket) -> None:
        """Take over a log-in's ends, which whoever found us has sent."""
        self._reaper.selector.unregister(line)
        self._arriving.remove(line)
        ends = array.array("i")
        try:
            _, told, _, _ = line.recvmsg(1, socket.CMSG_SPACE(ENDS * ends.itemsize), socket.MSG_CMSG_CLOEXEC)
            ends.frombytes(told[0][2])
            client = Client(line, ends)
            self._reaper.selector.register(client.source, selectors.EVENT_READ, lambda: self._hear(client))
        except (OSError, IndexError):
            line.close()
            return
        self._clients.append(client)

    def _hear(self, client: Client) -> None:
        try:
            for order in client.orders():
                client.answer(self._launch(client, order))
        except (EOFError, OSError):
            self._drop(client)

    def _drop(self, client: Client) -> None:
        self._reaper.selector.unregister(client.source)
        self._clients.remove(client)
        self._held = {after: held for after, held in self._held.items() if held.client is not client}
        self._waiting = {held.wanted["name"] for held in self._held.values()}
        client.close()

    # --- launch ---

    def _launch(self, client: Client, order: dict[str, Any]) -> str:
        """What became of each run: a line for each."""
        wanted: list[dict[str, Any]] = order["runs"]
        try:
            for digest, text in order["scripts"].items():
                keep(digest, as_bytes(text))
        except OSError:
            return "".join(f"failed {each['name']}\n" for each in wanted)
        answers = []
        for number, each in enumerate(wanted, start=1):
            answers.append(f"{self._take(client, each)} {each['name']}\n")
            if number % RUNS_BETWEEN_LOOKS == 0:
                self._reaper.settle()
        return "".join(answers)

    def _take(self, client: Client, wanted: dict[str, Any]) -> str:
        """Start a run, or keep it for its turn: in memory only, so that whoever looks finds that it has not begun."""
        turn = wanted.get("turn")
        if turn is None or self._has_ended(turn["after"]):
            return self._start(client, wanted)
        self._forget(turn["after"])
        self._held[turn["after"]] = Held(client, wanted, uptime() + turn["patience"])
        self._waiting.add(wanted["name"])
        return "held"

    def _has_ended(self, name: str) -> bool:
        """Whether a run's command lives no more, or will never begin. Others than this process may have started it."""
        if name in self._reaper.names or name in self._waiting:
            return False
        try:
            return not read(f"runs/{name}/run").startswith(b"open ")
        except FileNotFoundError:
            return True

    def _succeed(self, name: str) -> None:
        """Start the run that has waited for the end of this one. If that cannot be, a look finds it not begun."""
        held = self._held.get(name)
        if held is None or uptime() >= held.until:
            self._forget(name)
            return
        del self._held[name]
        self._waiting.discard(held.wanted["name"])
        # What is wrong here ends neither this process nor the connection of somebody who asks for nothing now.
        with contextlib.suppress(OSError):
            self._start(held.client, held.wanted)

    def _forget(self, name: str) -> None:
        """Keep nothing any more that is to follow this run, nor what is to follow that."""
        while (held := self._held.pop(name, None)) is not None:
            name = held.wanted["name"]
            self._waiting.discard(name)

    def _start(self, client: Client, wanted: dict[str, Any]) -> str:
        name, launched = wanted["name"], uptime()
        try:
            record = self._claim(wanted, launched=launched)
        except FileExistsError:
            return "duplicate"
        except OSError:
            return "failed"
        try:
            self._hide(wanted)
            pid = self._spawn(client, wanted, launched=launched)
            self._reaper.begun(
                name, pid=pid, record=record, limit_seconds=wanted["limit"], grace_seconds=wanted["grace"]
            )
        except Refused as problem:
            with contextlib.suppress(OSError):
                write(
                    f"runs/{name}/stderr", f"The command could not be started: {problem}\n".encode(), flags=os.O_CREAT
                )
            self._reaper.ended(name, kind="refused", code=127)
        finally:
            os.close(record)
        return "started"

    def _claim(self, wanted: dict[str, Any], *, launched: int) -> int:
        """The record of a run that this call has made. Raises FileExistsError if it was made before, OSError."""
        path = f"runs/{wanted['name']}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
        record = os.open(f"{path}/run", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        text = slot(f"open {launched}") + self._reaper.process_line(0, ticks=uptime_ticks())
        if wanted["limit"] is not None:
            text += f"limit {launched + 100 * wanted['limit']} {wanted['grace']}\n".encode()
        try:
            if os.write(record, text) == len(text):
                return record
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.close(record)
            # The gate is this call's own and nothing went through it: it may open again.
            os.unlink(f"{path}/run")
            raise

    def _spawn(self, client: Client, wanted: dict[str, Any], *, launched: int) -> int:
        """The number of the command's process. Raises Refused."""
        path = client.environment.get(b"PATH", os.defpath.encode())
        script = self._here + b"/scripts/" + wanted["digest"].encode()
        directory = as_bytes(wanted["directory"]) or client.environment.get(b"HOME", b"/")
        environment = self._environment(client, wanted, directory=directory)
        client.program(wanted["needed"], path=path)
        program = client.program(wanted["command"][0], path=environment.get(b"PATH", path))
        if not os.access(script, os.R_OK):
            raise Refused("its script is not on this host any more.")
        try:
            self._enter(directory)
            os.umask(client.umask)
            if uptime() - launched >= PATIENCE:
                raise Refused("the launch came too late.")
            return os.posix_spawn(
                program, [*map(as_bytes, wanted["command"]), script], environment,
                file_actions=self._files(wanted["name"]), setsid=True, setsigmask=(), setsigdef=TO_DEFAULT,
            )  # fmt: skip
        except OSError as problem:
            raise Refused(f'"{program}", or the files for its output: {problem.strerror}.') from problem
        finally:
            os.umask(0o077)
            os.fchdir(self._base)

    @staticmethod
    def _hide(wanted: dict[str, Any]) -> None:
        if "secrets" in wanted:
            try:
                hide(wanted["name"], wanted["secrets"])
            except OSError as problem:
                raise Refused("its secrets cannot be written.") from problem

    @staticmethod
    def _enter(directory: bytes) -> None:
        try:
            os.chdir(directory)
        except OSError:
            shown = os.fsdecode(directory)
            raise Refused(f'the directory "{shown}" is not there or may not be entered.') from None

    def _environment(self, client: Client, wanted: dict[str, Any], *, directory: bytes) -> dict[bytes, bytes]:
        name = wanted["name"].encode()
        environment = dict(client.environment)
        environment[b"PWD"] = directory
        environment[b"BATCHYARD_RUN"] = name
        environment[b"BATCHYARD_MARK"] = b":%s:%s:" % (self._reaper.site.encode(), name)
        for variable, value in wanted["environment"].items():
            environment[variable.encode()] = as_bytes(value)
        return environment

    def _files(self, name: str) -> list[tuple[Any, ...]]:
        place = self._here + b"/runs/" + name.encode()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, place + b"/stdout", flags, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, place + b"/stderr", flags, 0o600),
        ]
