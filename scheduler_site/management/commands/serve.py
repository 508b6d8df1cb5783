"""`manage.py serve [all|web|engine|beat]`: runs the site, or one part of it."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext_lazy as _

from hosts.secrets.ring import SecretsUnusable
from hosts.secrets.rotation import check_readable
from scheduler_site.collected import collect
from scheduler_site.env import Bind

BACKLOG = 2048
Family = socket.AddressFamily


class Command(BaseCommand):
    help = "Run the site: all of it (the default, with its own broker unless CELERY_BROKER_URL is set), or one part."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("part", nargs="?", choices=["all", "web", "engine", "beat"], default="all")
        parser.add_argument("--first-job", action="store_true", help=str(_("Once up, run a first job and show it.")))
        parser.add_argument("--then-exit", action="store_true", help=str(_("Stop when the first job has ended.")))

    def handle(self, *, part: str, first_job: bool, then_exit: bool, **options: Any) -> None:
        if then_exit and not first_job:
            raise CommandError("--then-exit ends after the first job. Add --first-job.")
        if part != "all":
            check_migrated()
            check_secrets()
            connections.close_all()
        if part == "web":
            collect()
            become("-m", "scheduler_site.web", "--fd", str(inherited(listening_socket(settings.BATCHYARD_BIND))))
        if part == "engine":
            become("-m", "scheduler_site.engine")
        if part == "beat":
            become("-m", "celery", "-A", "scheduler_site.celery", "-q", "beat", "-l", "INFO", "--pidfile=")
        wishes = [name for name, is_wished in (("--first-job", first_job), ("--then-exit", then_exit)) if is_wished]
        serve_all(*wishes)


def serve_all(*wishes: str) -> NoReturn:
    """Prepare the site and become its launcher."""
    data_directory: Path = settings.BATCHYARD_DATA_DIR
    check_writable(data_directory)
    lock = locked(data_directory / "serve.lock")
    listening = listening_socket(settings.BATCHYARD_BIND)
    prepare()
    check_secrets()
    collect()
    connections.close_all()
    broker = ["--broker-socket", str(settings.BATCHYARD_EMBEDDED_BROKER)] if not settings.HAS_OWN_BROKER else []
    become(
        *("-m", "scheduler_site.embedded"),
        *("--data-directory", str(data_directory)),
        *("--lock-fd", str(inherited(lock))),
        *("--listen-fd", str(inherited(listening))),
        *broker,
        *wishes,
    )


def prepare() -> None:
    """Bring the database up to date; the schema of a shared one only by `migrate`."""
    if settings.HAS_OWN_DATABASE:
        check_migrated()
    else:
        call_command("migrate", verbosity=0, interactive=False)
    call_command("first_start")


def check_migrated() -> None:
    """Refuse to run on an older schema, or without a database."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError) as problem:
        raise CommandError(f"The database does not answer: {problem}".rstrip()) from problem
    if missing:
        names = ", ".join(str(migration) for migration, _backwards in missing[:3])
        raise CommandError(f"The database lacks {len(missing)} migrations ({names} ...). Run manage.py migrate first.")


def check_secrets() -> None:
    """Refuse to run with keys that do not open what is stored, or if that is not sealed."""
    try:
        check_readable()
    except SecretsUnusable as problem:
        raise CommandError(str(problem)) from problem


def check_writable(directory: Path) -> None:
    """Refuse to run without a place for the site's files."""
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise CommandError(f"BATCHYARD_DATA_DIR {directory} is not writable for this account (uid {os.getuid()}).")


def locked(path: Path) -> int:
    """A descriptor that holds the lock of this data directory. Refuses if another site runs on it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        message = f"{path.parent} is already served by process {holder}."
        raise CommandError(f"{message} Stop that one, or choose another BATCHYARD_DATA_DIR.") from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def listening_socket(bind: Bind) -> int:
    """A descriptor that listens on `bind`. Refuses with the port's name if that is taken."""
    family = Family.AF_INET6 if ":" in bind.host else Family.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((bind.host, bind.port))
    except OSError as problem:
        listening.close()
        message = f"Cannot listen on port {bind.port} of BATCHYARD_BIND {bind}: {problem.strerror}."
        raise CommandError(f"{message} Choose another, such as BATCHYARD_BIND={free_port(bind)}.") from problem
    listening.listen(BACKLOG)
    return listening.detach()


def free_port(bind: Bind) -> Bind:
    """The same address with a port that is free at this moment."""
    host = bind.host if bind.is_loopback or bind.is_wildcard else "127.0.0.1"
    with socket.socket(Family.AF_INET6 if ":" in host else Family.AF_INET) as probe:
        probe.bind((host, 0))
        return Bind(host, probe.getsockname()[1])


def inherited(descriptor: int) -> int:
    """The descriptor, which now stays open in the program that this process becomes."""
    os.set_inheritable(descriptor, True)
    return descriptor


def become(*arguments: str) -> NoReturn:
    """Go on as another Python program in this process: what was imported until here is given back."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(settings.BASE_DIR)
    os.execv(sys.executable, [sys.executable, *arguments])
