"""What peers keep their jobs in: a Redis and a PostgreSQL of their own, gone with them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.processes import until
from bench.rows import NotPossible
from scheduler_site.embedded import broker_answers, broker_part

START_SECONDS: Final = 60.0
PLACES: Final = ("/usr/sbin", "/sbin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))


def program(name: str) -> str:
    """Where a program is. Raises NotPossible without it."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES]))
    if found is None:
        raise NotPossible(f"{name} is not installed (Debian has it).")
    return found


@contextmanager
def started(command: Sequence[str], *, directory: Path, env: dict[str, str] | None = None) -> Iterator[int]:
    """A program in a process group of its own, which is ended with all that it has started. Its pid."""
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=directory, env=env, process_group=0
        )
    try:
        yield process.pid
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def redis(directory: Path) -> Iterator[dict[str, str]]:
    """What tells a peer where its Redis is."""
    path = directory / "redis.sock"
    with started(broker_part(path, data_directory=directory).command, directory=directory):
        until(lambda: broker_answers(path), seconds=START_SECONDS, what="Redis answers")
        yield {"PEER_REDIS": str(path)}


@contextmanager
def postgres(directory: Path) -> Iterator[dict[str, str]]:
    """What tells a peer where its PostgreSQL is. It keeps what it commits, as a site's would."""
    prefix = _as_postgres(directory)
    data = str(directory / "postgres")
    initdb = [*prefix, program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/")
    options = ["-k", str(directory), "-c", "listen_addresses="]
    with started([*prefix, program("postgres"), "-D", data, *options], directory=directory):
        asks = [program("pg_isready"), "-q", "-h", str(directory)]
        until(_succeeds(asks), seconds=START_SECONDS, what="PostgreSQL answers")
        yield {"PEER_POSTGRES": f"host={directory} user=postgres dbname=postgres"}


def _succeeds(command: Sequence[str]) -> Callable[[], bool]:
    return lambda: subprocess.run(command, check=False).returncode == 0


def _as_postgres(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        raise NotPossible("There is no account postgres.") from None
    os.chown(directory, account.pw_uid, account.pw_gid)
    return [program("setpriv"), f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


SERVERS: Final = {"redis": redis, "postgres": postgres}
