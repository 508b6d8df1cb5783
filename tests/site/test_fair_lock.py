"""Writers of a SQLite database take turns; nothing holds the lock for ever."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError
from pytest_django import DjangoDbBlocker

from scheduler_site.sqlite.base import DatabaseWrapper, is_write
from scheduler_site.sqlite.fair_lock import FairLock
from tests.site.writer import open_database

ROOT = Path(__file__).resolve().parents[2]
WRITERS = 8
TRANSACTIONS = 200


def run_writer(path: Path, mode: str) -> subprocess.Popen[str]:
    """A process that writes to `path` as `writer.py` says for `mode`."""
    command = [sys.executable, "-m", "tests.site.writer", str(path), mode]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture(autouse=True)
def may_use_databases(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """These tests open their own."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    database = open_database(tmp_path / "fair.sqlite3")
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
        cursor.execute("INSERT INTO counter VALUES ('all', 0)")
    database.close()
    return tmp_path / "fair.sqlite3"


@pytest.fixture
def database(path: Path) -> Iterator[DatabaseWrapper]:
    database = open_database(path, timeout_seconds=0.2)
    yield database
    database.close()


def value(path: Path) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT value FROM counter").fetchone()[0]
    connection.close()
    return int(found)


def test_read_then_write_transactions_of_eight_processes_never_fail(path: Path) -> None:
    writers = [run_writer(path, f"count {TRANSACTIONS}") for _ in range(WRITERS)]

    ends = [(writer.communicate(timeout=120)[0].strip(), writer.returncode) for writer in writers]

    assert ends == [("done", 0)] * WRITERS
    assert value(path) == WRITERS * TRANSACTIONS


def test_a_busy_writer_does_not_starve_another(path: Path) -> None:
    busy, modest = run_writer(path, "busy 2"), run_writer(path, "busy 2")

    busy_count = int(busy.communicate(timeout=60)[0])
    modest_count = int(modest.communicate(timeout=60)[0])

    low, high = sorted([busy_count, modest_count])
    assert low > 20
    assert high / low < 3, f"{high} transactions of one against {low} of the other"


def test_a_killed_holder_frees_the_lock(path: Path, database: DatabaseWrapper) -> None:
    holder = run_writer(path, "hold")
    assert first_line(holder) == "held"

    holder.kill()
    holder.communicate()

    with database.cursor() as cursor:
        cursor.execute("UPDATE counter SET value = 7")
    assert value(path) == 7


def test_a_killed_holder_frees_the_lock_although_its_forked_child_lives(path: Path, database: DatabaseWrapper) -> None:
    holder = run_writer(path, "hold and fork")
    child = int(first_line(holder))

    holder.kill()
    holder.wait(timeout=10)
    try:
        with database.cursor() as cursor:
            cursor.execute("UPDATE counter SET value = 7")
    finally:
        os.kill(child, signal.SIGKILL)
        holder.communicate()

    assert value(path) == 7


def test_a_stopped_holder_costs_a_writer_no_more_than_its_timeout(path: Path, database: DatabaseWrapper) -> None:
    holder = run_writer(path, "hold")
    assert first_line(holder) == "held"
    holder.send_signal(signal.SIGSTOP)
    begun = time.monotonic()

    with pytest.raises(OperationalError, match="database is locked"), database.cursor() as cursor:
        cursor.execute("UPDATE counter SET value = 7")

    assert 0.15 < time.monotonic() - begun < 5
    holder.kill()
    holder.communicate()


def test_a_stopped_waiter_does_not_close_the_turnstile_for_ever(tmp_path: Path) -> None:
    turnstile = FairLock(Path(f"{tmp_path / 'fair'}"), timeout_seconds=5)
    stopped = subprocess.Popen(["flock", f"{tmp_path / 'fair'}.turnstile", "sleep", "60"])
    try:
        deadline = time.monotonic() + 10
        while _is_free(Path(f"{tmp_path / 'fair'}.turnstile")) and time.monotonic() < deadline:
            threading.Event().wait(0.01)

        assert turnstile.acquire()
    finally:
        stopped.kill()
        stopped.wait()
        turnstile.close()


def _is_free(path: Path) -> bool:
    return subprocess.run(["flock", "-n", str(path), "true"]).returncode == 0


def test_reads_outside_a_transaction_do_not_wait_for_a_writer(path: Path, database: DatabaseWrapper) -> None:
    holder = run_writer(path, "hold")
    assert first_line(holder) == "held"

    with database.cursor() as cursor:
        found = cursor.execute("SELECT value FROM counter").fetchone()

    assert found == (0,)
    holder.kill()
    holder.communicate()


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    first = FairLock(tmp_path / "fair", timeout_seconds=1)
    second = FairLock(tmp_path / "fair", timeout_seconds=0.05)

    assert first.acquire()
    assert not second.acquire()
    first.release()

    assert second.acquire()
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("SELECT 1", False, id="select"),
        pytest.param("  -- why\n(SELECT 1)", False, id="comment and parenthesis"),
        pytest.param("WITH x AS (SELECT 1) SELECT * FROM x", False, id="with, reading"),
        pytest.param("WITH x AS (SELECT 1) UPDATE t SET a = 1", True, id="with, writing"),
        pytest.param("PRAGMA foreign_key_check", False, id="pragma"),
        pytest.param("BEGIN IMMEDIATE", True, id="begin"),
        pytest.param("insert into t values (1)", True, id="insert"),
        pytest.param("VACUUM INTO 'x'", True, id="vacuum"),
        pytest.param("/* hint */ SELECT 1", True, id="in doubt, a write"),
    ],
)
def test_statements_that_write_are_told_from_those_that_read(statement: str, expected: bool) -> None:
    assert is_write(statement) is expected


def test_the_lock_is_free_after_commit_rollback_and_failure(path: Path) -> None:
    database, other = open_database(path), FairLock(path, timeout_seconds=0)

    with database.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        assert not other.acquire()
        cursor.execute("COMMIT")
        assert other.acquire()
        other.release()
        with pytest.raises(OperationalError):
            cursor.execute("UPDATE nothing SET value = 1")
        assert other.acquire()
        other.release()
    database.set_autocommit(False)
    with database.cursor() as cursor:
        cursor.execute("UPDATE counter SET value = 3")
    assert not other.acquire()
    database.rollback()

    assert other.acquire()
    other.close()
    database.set_autocommit(True)
    database.close()
    assert value(path) == 0


def test_the_database_is_in_wal_mode(database: DatabaseWrapper) -> None:
    with database.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert cursor.execute("PRAGMA foreign_keys").fetchone() == (1,)
