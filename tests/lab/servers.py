"""PostgreSQL and Redis as a site has them, to be killed, frozen, filled up and started again."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from pathlib import Path
from typing import Final

import psutil
import psycopg
import redis

from tests.lab.host import run
from tests.scenarios.site import until
from tests.servers.parts import program

CLUSTER_SIZE: Final = "768m"
START_SECONDS: Final = 60.0


class Server:
    """A server process that starts, stops and stands still as it is told."""

    name = "server"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        until(self.answers, seconds=START_SECONDS, what=f"{self.name} answers")

    def processes(self) -> list[psutil.Process]:
        """The server and what it has forked."""
        if self._process is None or self._process.poll() is not None:
            return []
        server = psutil.Process(self._process.pid)
        return [server, *server.children(recursive=True)]

    def signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            if process.is_running():
                process.send_signal(number)

    def kill(self) -> None:
        """kill -9 of the first process, as the kernel does for want of memory."""
        if self._process is not None:
            doomed = self.processes()
            self._process.kill()
            self._process.wait(20)
            # What it forked notices by itself; no new server starts before that.
            psutil.wait_procs(doomed, timeout=20)
            self._process = None


class Postgres(Server):
    """A cluster that syncs what it commits, on a unix socket."""

    name = "postgres"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        directory.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", f"size={CLUSTER_SIZE},mode=700", "tmpfs", directory)
        self._prefix = self._as_other_account()
        words = ["-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]
        subprocess.run([*self._prefix, program("initdb"), *words], check=True, capture_output=True, cwd="/")

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def url(self) -> str:
        return f"postgres://postgres@/postgres?host={self.directory}"

    def _as_other_account(self) -> list[str]:
        """PostgreSQL refuses to run as root."""
        account = pwd.getpwnam("postgres")
        os.chown(self.directory, account.pw_uid, account.pw_gid)
        return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]

    def command(self) -> list[str]:
        settings = ["listen_addresses=", "max_connections=100", "shared_buffers=64MB", "restart_after_crash=on"]
        words = [word for setting in settings for word in ("-c", setting)]
        return [*self._prefix, program("postgres"), "-D", str(self.data), "-k", str(self.directory), *words]

    def answers(self) -> bool:
        asked = [program("pg_isready"), "-q", "-h", str(self.directory)]
        return subprocess.run(asked, check=False).returncode == 0

    def say(self, sql: str) -> None:
        """Execute a statement of the fault's own."""
        with psycopg.connect(f"user=postgres host={self.directory} dbname=postgres", autocommit=True) as line:
            line.execute(sql.encode())

    def end_connections(self) -> None:
        """What an administrator or a failover does: every connection but this one is ended."""
        self.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def kill_backend(self) -> None:
        """kill -9 of one server process: the cluster throws everybody out and recovers."""
        words = [p for p in self.processes()[1:] if any("postgres postgres" in word for word in p.cmdline())]
        (words or self.processes()[1:])[0].kill()

    def make_read_only(self, is_read_only: bool) -> None:
        """Refuse every write, to those who connect from now on and to those who are connected."""
        self.say(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if is_read_only else 'off'}")
        self.say("SELECT pg_reload_conf()")


class Redis(Server):
    """A broker that keeps nothing, with a bound for its memory that can be lowered."""

    name = "redis"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        directory.mkdir(parents=True)

    @property
    def socket(self) -> Path:
        return self.directory / "redis.sock"

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    def command(self) -> list[str]:
        words = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        return [program("redis-server"), *words, "--dir", str(self.directory), "--daemonize", "no"]

    @property
    def line(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2)

    def answers(self) -> bool:
        try:
            return bool(self.line.ping())
        except (redis.RedisError, OSError):
            return False
