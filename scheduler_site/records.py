"""Statements that are made for every few jobs that start or end, without the cost of building them anew.

Batches of values go as one SQL parameter, so that they do not cost per row.

`json_each` on SQLite and `jsonb_array_elements` on PostgreSQL turn one JSON text into rows, so an
UPDATE of a thousand rows is one short statement with one parameter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

Value = str | int | datetime | None


def as_rows(columns: Mapping[str, str]) -> str:
    """A FROM item named `d` with `columns` (name -> bigint | text | timestamptz), fed by one %s.

    The parameter is what `as_parameter` makes, its values in the order of `columns`.
    """
    if connection.vendor == "postgresql":
        picked = ", ".join(f'(value->>{i})::{kind} AS "{name}"' for i, (name, kind) in enumerate(columns.items()))
        return f"(SELECT {picked} FROM jsonb_array_elements(%s::jsonb)) AS d"  # noqa: S608  (columns are constants)
    picked = ", ".join(f"json_extract(value, '$[{i}]') AS \"{name}\"" for i, name in enumerate(columns))
    return f"(SELECT {picked} FROM json_each(%s)) AS d"  # noqa: S608


def insert_many(
    table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Value]], *, returning: str
) -> list[tuple[Any, ...]]:
    """Insert `rows` (values in the order of `columns`) with one statement; what `returning` says of each.

    For the few tables that are written on every start and end of a job; elsewhere `bulk_create` reads better.
    """
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f'd."{name}"' for name in columns)
    # WHERE true: without it SQLite takes the next word for a join.
    sql = f"INSERT INTO {table} ({names}) SELECT {values} FROM {as_rows(columns)} WHERE true RETURNING {returning}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [as_parameter(rows)])
        return list(cursor.fetchall())


def as_parameter(rows: Iterable[Sequence[Value]]) -> str:
    """The JSON text of `rows` for `as_rows`, times in the form the database stores."""
    adapt = connection.ops.adapt_datetimefield_value
    # A batch has few different times, and each is dear to write.
    times: dict[datetime, str] = {}

    def stored(value: Value) -> str | int | None:
        if not isinstance(value, datetime):
            return value
        if value not in times:
            times[value] = str(adapt(value))
        return times[value]

    return json.dumps([[stored(value) for value in row] for row in rows])


def query(sql: str, values: Sequence[str | int] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement. Times come as the database gives them: see `moment`."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def change(sql: str, values: Sequence[Value]) -> int:
    """How many rows a statement has changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def moment(value: datetime | None) -> datetime | None:
    """A time as a bare statement reads it, aware: SQLite keeps UTC without saying so."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def database_time() -> datetime:
    """What the database's clock says now."""
    if connection.vendor == "postgresql":
        return query("SELECT clock_timestamp()")[0][0].astimezone(UTC)  # type: ignore[no-any-return]
    return datetime.fromisoformat(query("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")[0][0]).replace(tzinfo=UTC)
