from __future__ import annotations

import os
import sqlite3
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils.translation import gettext_lazy as _

MODE: Final = 0o600
LIBPQ: Final = {
    "dbname": "PGDATABASE",
    **{name: f"PG{name.upper()}" for name in ("host", "port", "user", "password", "service", "passfile")},
    **{name: f"PG{name.upper()}" for name in ("sslmode", "sslcert", "sslkey", "sslrootcert")},
}


class Command(BaseCommand):
    help = "Writes a copy of the database, as it is at one moment, to FILE. The site goes on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help=str(_("must not exist yet")))

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE))
            copy = _copy_sqlite if connection.vendor == "sqlite" else _dump_postgresql
            copy(file)
        except FileExistsError:
            raise CommandError(f"{file} is there already; a backup is a new file.") from None
        except (OSError, sqlite3.Error, subprocess.CalledProcessError) as problem:
            file.unlink(missing_ok=True)
            raise CommandError(f"The database could not be copied to {file}: {problem}") from problem
        self.stdout.write(f"{file}: {file.stat().st_size:,} bytes. Now copy {_beside()}.")


def _copy_sqlite(file: Path) -> None:
    """By a reader of its own, which writers do not wait for."""
    connection.ensure_connection()
    connection.connection.execute("VACUUM INTO ?", [str(file)])


def _dump_postgresql(file: Path) -> None:
    """With what the site connects with, in the environment: arguments can be read by others."""
    given = connection.get_connection_params()
    environment = {variable: str(given[name]) for name, variable in LIBPQ.items() if given.get(name)}
    command = ["pg_dump", "--format=custom", "--no-owner", f"--file={file}"]
    subprocess.run(command, env=os.environ | environment, check=True)


def _beside() -> str:
    return "the directories of output, files and keys, and the secret key; secret_keys apart from them (docs/deploy.md)"
