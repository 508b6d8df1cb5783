"""How much work a database does for a statement: read from PostgreSQL's own account, counted on SQLite."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

# Tables that grow with the number of jobs.
LARGE: Final = ("jobs_job", "jobs_attempt", "jobs_event", "jobs_output")
MEASURED: Final = re.compile(r"\s*(SELECT|WITH|UPDATE|INSERT|DELETE)\b", re.IGNORECASE)
STEPS: Final = 100


@dataclass(frozen=True, slots=True)
class Work:
    """`units`: rows looked at (PostgreSQL) or instructions of its machine (SQLite); `scans`: tables read whole."""

    sql: str
    units: int
    scans: tuple[str, ...]
    plan: str

    def __str__(self) -> str:
        return f"{self.units:,} units, scans {self.scans or 'nothing'}: {self.sql[:600]}\n{self.plan}"


def work_of(operation: Callable[[], object]) -> list[Work]:
    """The work of each statement of `operation`, which leaves nothing behind."""
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        operation()
        transaction.set_rollback(True)
    statements = dict.fromkeys(query["sql"] for query in captured.captured_queries if MEASURED.match(query["sql"]))
    measure = _on_postgresql if connection.vendor == "postgresql" else _on_sqlite
    return [measure(sql) for sql in statements]


def _on_postgresql(sql: str) -> Work:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}".replace("%", "%%"), [])
        told = cursor.fetchone()[0]
        transaction.set_rollback(True)
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    nodes = list(_nodes(plan))
    scans = [node["Relation Name"] for node in nodes if node["Node Type"] in ("Seq Scan", "Parallel Seq Scan")]
    units = sum(_rows(node) for node in nodes)
    return Work(sql, units, tuple(name for name in scans if name in LARGE), "\n".join(map(_line, nodes)))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def _rows(node: dict[str, Any]) -> int:
    dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + dropped) * node["Actual Loops"])


def _line(node: dict[str, Any]) -> str:
    name = node.get("Index Name") or node.get("Relation Name") or ""
    return f"  {node['Node Type']} {name} ({_rows(node):,} rows)"


def _on_sqlite(sql: str) -> Work:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += STEPS
        return 0

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = [row[3] for row in cursor.fetchall()]
        connection.connection.set_progress_handler(count, STEPS)
        cursor.execute(sql)
        if cursor.description:
            cursor.fetchall()
        connection.connection.set_progress_handler(None, 0)
        transaction.set_rollback(True)
    # A list of the newest walks the table by its number and stops early: the steps tell whether it does.
    scans = [name for name in LARGE for line in plan if re.match(rf"SCAN {name}$", line)] if "LIMIT" not in sql else []
    return Work(sql, steps, tuple(scans), "\n".join(f"  {line}" for line in plan))
