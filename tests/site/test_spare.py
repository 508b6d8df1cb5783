from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from scheduler_site.sqlite import spare
from scheduler_site.sqlite.base import DatabaseWrapper
from scheduler_site.sqlite.spare import Spares

pytestmark = pytest.mark.django_db

SETTINGS: dict[str, Any] = {
    "ENGINE": "scheduler_site.sqlite", "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 1},
    "ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False,
    "TIME_ZONE": None, "USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "TEST": {},
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_spares(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    spares = Spares()
    monkeypatch.setattr("scheduler_site.sqlite.base.SPARES", spares)
    yield
    for kept in spares._kept.values():
        for connection, lock in kept:
            connection.close()
            lock.close()


def database(path: Path) -> DatabaseWrapper:
    return DatabaseWrapper({**SETTINGS, "NAME": path})


def rows(found: DatabaseWrapper, sql: str) -> list[tuple[Any, ...]]:
    with found.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def opened(path: Path) -> Any:
    found = database(path)
    found.ensure_connection()
    return found


def test_a_closed_connection_is_used_again_by_another_thread(tmp_path: Path) -> None:
    first = opened(tmp_path / "db")
    raw = first.connection
    first.close()
    seen = []

    def use() -> None:
        with closing(database(tmp_path / "db")) as second:
            rows(second, "CREATE TABLE things (name text)")
            seen.append(second.connection is raw)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()

    assert seen == [True]


def test_what_was_not_committed_is_gone_and_keeps_nobody_from_writing(tmp_path: Path) -> None:
    first = opened(tmp_path / "db")
    rows(first, "CREATE TABLE things (name text)")
    first.set_autocommit(False)
    rows(first, "INSERT INTO things VALUES ('lost')")
    first.close()

    with closing(database(tmp_path / "db")) as second, closing(database(tmp_path / "db")) as third:
        assert rows(second, "SELECT * FROM things") == []
        rows(third, "INSERT INTO things VALUES ('kept')")
        assert rows(second, "SELECT * FROM things") == [("kept",)]


def test_a_file_that_was_replaced_is_not_read_by_an_old_connection(tmp_path: Path) -> None:
    first = opened(tmp_path / "db")
    rows(first, "CREATE TABLE things (name text)")
    first.close()

    for path in tmp_path.iterdir():
        path.unlink()

    with closing(database(tmp_path / "db")) as second, pytest.raises(OperationalError, match="no such table"):
        rows(second, "SELECT * FROM things")


def test_a_connection_that_no_longer_checks_references_is_not_kept(tmp_path: Path) -> None:
    first = opened(tmp_path / "db")
    raw = first.connection
    first.disable_constraint_checking()
    first.close()

    with closing(opened(tmp_path / "db")) as second:
        assert second.connection is not raw
        assert rows(second, "PRAGMA foreign_keys") == [(1,)]


def test_only_a_few_are_kept(tmp_path: Path) -> None:
    many = [opened(tmp_path / "db") for _ in range(spare.LIMIT + 2)]
    raws = {id(one.connection) for one in many}
    for one in many:
        one.close()

    again = [opened(tmp_path / "db") for _ in range(spare.LIMIT + 2)]

    assert len(raws & {id(one.connection) for one in again}) == spare.LIMIT
    for one in again:
        one.close()


def test_another_process_opens_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(tmp_path / "db")
    raw = first.connection
    first.close()

    monkeypatch.setattr("os.getpid", lambda: -1)

    with closing(opened(tmp_path / "db")) as second:
        assert second.connection is not raw
