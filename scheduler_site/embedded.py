"""The launcher of an embedded site: starts its parts, starts them again when they die, stops them in order.

Standard library only, as it stays in memory as long as the site runs. `manage.py serve all` becomes this
program once it has prepared the site; the lock and the listening socket are inherited from it.

Parts end with the launcher, even with one that is killed. Jobs do not: they are detached on their hosts.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scheduler_site.logs import OneLine

logger = logging.getLogger("serve")

# A part that ends by itself before this cannot start; serve then ends as well and says so.
SETTLED_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
BROKER_START_SECONDS = 10.0
HEALTHY_SECONDS = 60.0
FOLLOW = str(Path(__file__).with_name("follow.py"))


class CannotStart(Exception):
    """A part cannot start; the text says which and why."""


@dataclass
class Part:
    """One process of the site, and what is known of its life."""

    name: str
    command: list[str]
    stop_seconds: float
    log: Path | None = None
    keep: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    has_settled: bool = False
    start_again_at: float | None = None
    pause_seconds: float = field(default=FIRST_PAUSE_SECONDS)

    def start(self) -> None:
        """Start it in a process group of its own, so that Ctrl-C in the terminal reaches only the launcher."""
        output = None if self.log is None else self.log.open("wb")
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-SE", FOLLOW, str(os.getpid()), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.keep,
                process_group=0,
            )
        finally:
            if output is not None:
                output.close()
        self.started, self.start_again_at = time.monotonic(), None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def has_ended(self) -> bool:
        """Whether it was started and no longer runs."""
        return self.process is not None and self.process.poll() is not None

    @property
    def was_killed(self) -> bool:
        """Whether someone else ended it."""
        return self.process is not None and (self.process.returncode or 0) < 0

    @property
    def end(self) -> str:
        """How it ended, in words."""
        status = self.process.returncode if self.process is not None else 0
        if status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended with status {status}"


class Launcher:
    """Keeps the parts of one site running until it is told to stop."""

    def __init__(self, parts: Sequence[Part], *, broker: Part | None, broker_socket: Path | None) -> None:
        self._parts = parts
        self._broker = broker
        self._broker_socket = broker_socket
        self._wake_reader, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.stops_asked = 0

    def listen_to_signals(self) -> None:
        """Let TERM, INT and HUP ask for the stop; let the end of a part wake the launcher."""
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self.stops_asked += 1

    def start(self) -> None:
        """Start the broker, and once it answers the other parts. Raises CannotStart."""
        if self._broker is not None and self._broker_socket is not None:
            self._broker_socket.unlink(missing_ok=True)
            self._broker.start()
            self._wait_for_broker(self._broker, self._broker_socket)
        for part in self._parts:
            part.start()

    def _wait_for_broker(self, broker: Part, path: Path) -> None:
        deadline = time.monotonic() + BROKER_START_SECONDS
        while not broker_answers(path):
            if broker.has_ended() or time.monotonic() > deadline:
                raise CannotStart(f"The embedded broker did not start: {_last_line(broker.log)}")
            self.wait(seconds=0.02)

    def keep_running(self, *, seconds: float | None = None) -> None:
        """Start parts again as they die, until a stop is asked for or `seconds` have passed.

        Raises CannotStart if a part ends before it ever was up.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.stops_asked and (deadline is None or time.monotonic() < deadline):
            wait_seconds = min((self._look_after(part) for part in self._all()), default=60.0)
            if deadline is not None:
                wait_seconds = min(wait_seconds, max(0.0, deadline - time.monotonic()))
            self.wait(seconds=wait_seconds)

    def _look_after(self, part: Part) -> float:
        """Start `part` again if it is time. Seconds until it should be looked at again."""
        now = time.monotonic()
        if part.start_again_at is not None:
            if now >= part.start_again_at:
                part.start()
                return SETTLED_SECONDS
            return part.start_again_at - now
        if part.has_ended():
            return self._plan_start(part, now=now)
        left_seconds = part.started + SETTLED_SECONDS - now
        if left_seconds <= 0 and not part.has_settled:
            part.has_settled = True
        return left_seconds if left_seconds > 0 else 60.0

    def _plan_start(self, part: Part, *, now: float) -> float:
        lived_seconds = now - part.started
        if not part.has_settled and not part.was_killed and lived_seconds < SETTLED_SECONDS:
            reason = _last_line(part.log) if part.log else "its messages are above"
            raise CannotStart(f"The {part.name} {part.end} before it was up: {reason}.")
        if lived_seconds > LONGEST_PAUSE_SECONDS:
            part.pause_seconds = FIRST_PAUSE_SECONDS
        pause_seconds = part.pause_seconds
        part.start_again_at = now + pause_seconds
        part.pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
        logger.warning("the %s %s; starting it again in %g s", part.name, part.end, pause_seconds)
        return pause_seconds

    def wait(self, *, seconds: float) -> None:
        """Sleep until a signal arrives, at most so long."""
        if select.select([self._wake_reader], [], [], seconds)[0]:
            os.read(self._wake_reader, 4096)

    def stop(self) -> None:
        """End the parts in the order that loses least: web, engine, then the broker. A second signal hurries."""
        for part in self._all():
            part.start_again_at = None
            part.signal(signal.SIGTERM)
            deadline = time.monotonic() + part.stop_seconds
            while not part.has_ended() and part.process is not None:
                if time.monotonic() > deadline or self.stops_asked > 1:
                    part.signal(signal.SIGKILL)
                self.wait(seconds=0.05)
        if self._broker_socket is not None:
            self._broker_socket.unlink(missing_ok=True)

    def _all(self) -> Iterator[Part]:
        yield from self._parts
        if self._broker is not None:
            yield self._broker


def broker_answers(path: Path) -> bool:
    """Whether a Redis server answers on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def is_healthy(host: str, port: int) -> bool:
    """Whether /healthz of the site answers 200."""
    try:
        with socket.create_connection((host, port), timeout=5) as client:
            client.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return client.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def _last_line(log: Path | None) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log else []
    return f"{lines[-1]} (in {log})" if lines else f"{log} is empty"


def broker_part(path: Path, *, data_directory: Path) -> Part:
    """A private Redis on a unix socket, which keeps nothing. Raises CannotStart if no program is found."""
    program = shutil.which("redis-server", path=sysconfig.get_path("scripts")) or shutil.which("redis-server")
    if program is None:
        possible = "Possible: install redis-server, or set CELERY_BROKER_URL to a broker that runs."
        raise CannotStart(f"No redis-server was found for the embedded broker. {possible}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        raise CannotStart(f"{path.parent} belongs to someone else. Possible: a shorter path as BATCHYARD_DATA_DIR.")
    options = f"--port 0 --unixsocketperm 700 --appendonly no --daemonize no --loglevel warning --dir {path.parent}"
    command = [program, "--unixsocket", str(path), *options.split(), "--save", ""]
    return Part("broker", command, stop_seconds=1.0, log=data_directory / "broker.log")


@contextmanager
def running(launcher: Launcher) -> Iterator[None]:
    """Stops every part at the end, however it comes."""
    try:
        launcher.start()
        yield
    finally:
        logger.info("stopping")
        launcher.stop()


def run_first_job(launcher: Launcher, *, host: str, port: int) -> int:
    """Wait until the site is healthy, run its first job and show it. The exit status of that."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    while not is_healthy(host, port):
        if time.monotonic() > deadline:
            raise CannotStart(f"The site was not healthy within {HEALTHY_SECONDS:g} s: see /healthz and above.")
        launcher.keep_running(seconds=0.2)
        if launcher.stops_asked:
            return 0
    part = Part("first job", [sys.executable, "manage.py", "first_job"], stop_seconds=1.0)
    part.start()
    while not part.has_ended() and not launcher.stops_asked:
        launcher.keep_running(seconds=0.5)
    part.signal(signal.SIGTERM)
    return part.process.wait() if part.process else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="serve")
    parser.add_argument("--data-directory", type=Path, required=True)
    parser.add_argument("--broker-socket", type=Path, help="where to run a broker; without it none is run")
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--lock-fd", type=int, required=True)
    parser.add_argument("--first-job", action="store_true")
    parser.add_argument("--then-exit", action="store_true")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run the site. 0 after a clean stop, 1 if a part could not start."""
    options = _arguments(argv)
    # Held until this process ends, by no child.
    os.set_inheritable(options.lock_fd, False)
    web = [sys.executable, "-m", "scheduler_site.web", "--fd", str(options.listen_fd)]
    engine = [sys.executable, "-m", "scheduler_site.engine", "--beat-thread"]
    parts = [
        Part("web", web, stop_seconds=3.0, keep=(options.listen_fd,)),
        Part("engine", engine, stop_seconds=5.0),
    ]
    broker = None
    if options.broker_socket is not None:
        broker = broker_part(options.broker_socket, data_directory=options.data_directory)
    launcher = Launcher(parts, broker=broker, broker_socket=options.broker_socket)
    launcher.listen_to_signals()
    host, port = _reachable(options.listen_fd)
    with running(launcher):
        logger.info("serving on http://%s:%s", f"[{host}]" if ":" in host else host, port)
        status = run_first_job(launcher, host=host, port=port) if options.first_job else 0
        if not options.then_exit and not status:
            launcher.keep_running()
    return status


def _reachable(listen_fd: int) -> tuple[str, int]:
    """An address at which this machine reaches the listening socket."""
    with socket.socket(fileno=os.dup(listen_fd)) as listening:
        host, port = listening.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    _log_to_stderr()
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotStart as problem:
        logger.error("%s", problem)
        sys.exit(1)
