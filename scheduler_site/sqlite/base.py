"""Django's SQLite backend with fair turns: every write takes the database's FairLock first.

Reads outside a transaction never take it: in WAL mode they wait for nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db.backends.sqlite3 import base

from scheduler_site.sqlite.fair_lock import FairLock
from scheduler_site.sqlite.spare import SPARES

DEFAULT_TIMEOUT_SECONDS = 20.0
READS = frozenset({"SELECT", "VALUES", "EXPLAIN", "PRAGMA"})
WRITES_WITHIN_WITH = re.compile(r"\b(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
FIRST_WORD = re.compile(r"(?:[\s;(]|--[^\n]*\n)*([A-Za-z]+)")

Params = Sequence[Any] | Mapping[str, Any] | None


def is_write(sql: str) -> bool:
    """Whether the statement may write or begins a transaction. When in doubt, yes."""
    found = FIRST_WORD.match(sql)
    word = found[1].upper() if found else ""
    if word == "WITH":
        return WRITES_WITHIN_WITH.search(sql) is not None
    return word not in READS


class FairCursor(base.SQLiteCursorWrapper):
    """Takes the lock before a statement that writes, and keeps it until the transaction has ended."""

    def __init__(self, connection: sqlite3.Connection, *, lock: FairLock) -> None:
        super().__init__(connection)
        self._lock = lock

    def execute(self, query: str, params: Params = None) -> FairCursor:  # type: ignore[override]
        self._enter(query)
        try:
            super().execute(query, params)
        finally:
            self._leave()
        return self

    def executemany(self, query: str, param_list: Iterable[Any]) -> FairCursor:
        self._enter(query)
        try:
            super().executemany(query, param_list)
        finally:
            self._leave()
        return self

    def _enter(self, query: str) -> None:
        if not self._lock.is_held and is_write(query) and not self._lock.acquire():
            raise sqlite3.OperationalError("database is locked")

    def _leave(self) -> None:
        if not self.connection.in_transaction:
            self._lock.release()


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite in WAL mode with fair turns between writers. In-memory databases have one writer and no lock."""

    def __init__(self, settings_dict: dict[str, Any], alias: str = "default") -> None:
        super().__init__(settings_dict, alias)
        self._fair_lock: FairLock | None = None
        self._opened_as = ""

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        if self.is_in_memory_db():
            return super().get_new_connection(conn_params)  # type: ignore[no-any-return]
        path = _path(conn_params["database"])
        self._opened_as = repr(sorted(conn_params.items(), key=str))
        connection: sqlite3.Connection
        if spare := SPARES.take(path, seen_as=self._opened_as):
            connection, self._fair_lock = spare
            return connection
        self._fair_lock = FairLock(path, timeout_seconds=self._timeout_seconds)
        connection = super().get_new_connection(conn_params)
        self._use_wal(connection, lock=self._fair_lock)
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        if self._fair_lock is None:
            return super().create_cursor(name)
        return self.connection.cursor(factory=partial(FairCursor, lock=self._fair_lock))

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]  # the stubs leave it out
        self._release_if_over()

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]  # the stubs leave it out
        self._release_if_over()

    def _close(self) -> None:
        if self._is_spared():
            return
        try:
            super()._close()  # type: ignore[misc]  # the stubs leave it out
        finally:
            if self._fair_lock is not None:
                self._fair_lock.close()

    def _is_spared(self) -> bool:
        """Whether the connection, with nothing left open in it, is kept for whoever needs one next."""
        if self.connection is None or self._fair_lock is None:
            return False
        try:
            self.connection.rollback()
            self._release_if_over()
            path = _path(self.settings_dict["NAME"])
            return SPARES.give(path, (self.connection, self._fair_lock), seen_as=self._opened_as)
        except sqlite3.Error:
            return False  # it is of no use, and closed

    def _release_if_over(self) -> None:
        # A commit that failed, for a full disk say, leaves the transaction open and the lock ours.
        if self._fair_lock is not None and not (self.connection and self.connection.in_transaction):
            self._fair_lock.release()

    @contextlib.contextmanager
    def synced_log(self) -> Iterator[None]:
        """What is committed within is on the disk afterwards. With synchronous=NORMAL only checkpoints do that unasked.

        The log is opened before: who finds no descriptor must not find it when all is committed. While this connection
        is open, the log stays the same file.
        """
        self.ensure_connection()
        log = self._opened_log()
        try:
            yield
            # The first statement of all makes the log.
            log = self._opened_log() if log is None else log
            if log is not None:
                os.fsync(log)
        finally:
            if log is not None:
                os.close(log)

    def _opened_log(self) -> int | None:
        try:
            return os.open(f"{_path(self.settings_dict['NAME'])}-wal", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None

    @property
    def _timeout_seconds(self) -> float:
        return float(self.settings_dict["OPTIONS"].get("timeout", DEFAULT_TIMEOUT_SECONDS))

    def _use_wal(self, connection: sqlite3.Connection, *, lock: FairLock) -> None:
        """Set the journal's mode where it is not yet WAL: once in a database's life."""
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        if not lock.acquire():
            raise sqlite3.OperationalError("database is locked")
        try:
            _retry_while_locked(connection, "PRAGMA journal_mode=WAL", seconds=self._timeout_seconds)
        finally:
            lock.release()


def _retry_while_locked(connection: sqlite3.Connection, statement: str, *, seconds: float) -> None:
    # SQLite does not wait for readers when the journal's mode changes; it refuses.
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _path(name: str | Path) -> Path:
    """The file that a database's name or `file:` URI means."""
    text = str(name)
    return Path(unquote(urlsplit(text).path)) if text.startswith("file:") else Path(text)
