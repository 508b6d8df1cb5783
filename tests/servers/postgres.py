"""A PostgreSQL server of the tests' own, on a unix socket, gone at their end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers.parts import missing, program, wait_until

# Nothing of it has to survive a crash.
FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]


@dataclass(frozen=True)
class PostgresServer:
    """A running server: user and database `postgres`, no password, reached by its socket's directory."""

    directory: Path

    @property
    def url(self) -> str:
        """What DATABASE_URL would hold."""
        return f"postgres://postgres@/postgres?host={self.directory}"

    def create(self, name: str) -> None:
        """Make one more database."""
        self._ask(f'CREATE DATABASE "{name}"')

    def drop(self, name: str) -> None:
        """Remove a database, with whoever is still connected."""
        self._ask(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _ask(self, sql: str) -> None:
        with psycopg.connect(host=str(self.directory), user="postgres", dbname="postgres", autocommit=True) as line:
            line.execute(sql)

    def settings(self) -> dict[str, Any]:
        """Django's description of its database."""
        name = f"batchyard_{os.getpid()}"
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": str(self.directory),
            "TEST": {"NAME": name},
        }


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server started once per session."""
    initdb, postgres = program("initdb"), program("postgres")
    directory = Path(tempfile.mkdtemp(prefix="by-pg-"))
    prefix = _as_other_account(directory)
    data = directory / "data"
    command = [*prefix, initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(command, check=True, capture_output=True, cwd="/")
    options = [word for setting in FAST for word in ("-c", setting)]
    log = (directory / "log").open("wb")
    server = subprocess.Popen(
        [*prefix, postgres, "-D", str(data), "-k", str(directory), "-c", "listen_addresses=", *options],
        stdout=log,
        stderr=log,
        cwd="/",
    )
    try:
        is_ready = [program("pg_isready"), "-q", "-h", str(directory)]
        wait_until(lambda: subprocess.run(is_ready).returncode == 0, what="PostgreSQL accepts connections")
        yield PostgresServer(directory)
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=20)
        log.close()
        shutil.rmtree(directory)


def _as_other_account(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root: what makes its programs run as `postgres` then. They end with the tests."""
    setpriv = [program("setpriv"), "--pdeathsig", "QUIT"]
    if os.getuid() != 0:
        return setpriv
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        missing("the account postgres")
    os.chown(directory, account.pw_uid, account.pw_gid)
    return [*setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
