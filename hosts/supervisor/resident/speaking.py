"""Finds the resident of a directory for one connection, or starts it."""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
import zlib

from hosts.supervisor.resident.places import locked
from hosts.supervisor.resident.reaper import TO_DEFAULT, Reaper, note, own_name
from hosts.supervisor.resident.residing import Resident

LOG = "supervisor.log"
BACKLOG = 64
FIND_SECONDS = 10.0
PR_SET_CHILD_SUBREAPER = 36


def speak(token: bytes) -> None:
    """Hand our input and output over to the resident, then only keep the log-in open."""
    with contextlib.suppress(OSError):
        # Where processes cannot be started in a session of their own, this says so before anything is promised.
        os.posix_spawn("/", ["/"], {}, setsid=True)
    umask = os.umask(0o077)
    with locked():
        line = found() or start()
    settings = os.memfd_create("settings")
    names = [name for name in os.environb if name not in {b"", b"OLDPWD"} and b"=" not in name]
    environment = {decoded(name): decoded(os.environb[name]) for name in names}
    os.write(settings, json.dumps({"umask": umask, "environment": environment}).encode())
    line.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, settings]))])
    # Only now, so that nobody is promised a resident that has not heard of him.
    os.write(1, b"\n" + token + b"\n")
    let_go()
    line.settimeout(None)
    line.recv(1)


def decoded(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def address() -> str:
    """The socket of a resident that is as this process is: what runs inherit has to be what their log-in has."""
    kinds = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
    limits = [resource.getrlimit(getattr(resource, kind)) for kind in kinds]
    spaces = [os.readlink(f"/proc/self/ns/{name}") for name in sorted(os.listdir("/proc/self/ns"))]
    same = repr((os.getuid(), os.getgid(), sorted(os.getgroups()), os.nice(0), limits, spaces))
    return f"{own_name()}-{zlib.crc32(same.encode()):08x}"


def found() -> socket.socket | None:
    """A connection to the resident. None if there is none."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(FIND_SECONDS)
    try:
        line.connect(address())
    except (FileNotFoundError, ConnectionRefusedError):
        line.close()
        return None
    return line


def start() -> socket.socket:
    """A connection to a resident that has just been started."""
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(address())
    listener.bind(address())
    listener.listen(BACKLOG)
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            let_go(but=listener.fileno())
            stand_by(listener)
        os._exit(0)
    os.waitpid(child, 0)
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(FIND_SECONDS)
    line.connect(address())
    listener.close()
    return line


def let_go(*, but: int = -1) -> None:
    """Keep nothing open of what was given to this process. What goes wrong from now on stands in the log."""
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, end in ((nothing, 0), (nothing, 1), (log, 2)):
        os.dup2(source, end)
    if but < 0:
        return
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number != but:
            with contextlib.suppress(OSError):
                os.close(number)


def stand_by(listener: socket.socket) -> None:
    """The first of two processes: starts the second, and outlives it should that be killed.

    What happens to a run's processes does not reach them, as they are in no session or group of a run.
    """
    set_signals()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    lifeline, alive = os.pipe()
    second = os.fork()
    if second == 0:
        os.close(alive)
        Resident(listener, lifeline=lifeline).serve()
        return
    os.close(lifeline)
    listener.close()
    if has_died(second):
        Reaper().outlive(second)


def set_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, *TO_DEFAULT}:
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, note)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def has_died(process: int) -> bool:
    """Whether a child ended in another way than by itself. Returns when it has ended."""
    while True:
        child = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return os.waitpid(process, 0)[1] != 0
        if child is not None:
            # What a run has left behind came to this process, and is over.
            os.waitpid(child.si_pid, 0)


if __name__ == "__main__":
    speak(sys.argv[1].encode())
