"""The audit as it is looked through and taken away: narrowed by what people ask for, as CSV or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.db.models import QuerySet

from accounts.models import AuditEntry

COLUMNS: Final = (
    "id", "at", "actor", "mode", "peer", "request_id", "action", "kind", "object_id", "name", "before", "after",
)  # fmt: skip
BATCH: Final = 1000
# What makes spreadsheets take a text for a formula.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
# What the trail may be narrowed by, as the look-up that it means.
FILTERS: Final[Mapping[str, str]] = {
    "actor": "actor", "action": "action", "kind": "kind", "name": "name", "request": "request_id",
    "since": "at__gte", "until": "at__lt",
}  # fmt: skip


def narrowed(rows: QuerySet[AuditEntry], asked: Mapping[str, Any]) -> QuerySet[AuditEntry]:
    """Those of `rows` that are asked for: by the keys of FILTERS."""
    wanted = {FILTERS[key]: value for key, value in asked.items() if key in FILTERS and value not in (None, "")}
    return rows.filter(**wanted)


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON."""
    told = {name: getattr(entry, name) for name in COLUMNS}
    return {**told, "at": entry.at.isoformat(timespec="microseconds").replace("+00:00", "Z")}


def json_lines(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """One JSON object per line."""
    for entry in _batches(rows):
        yield json.dumps(entry_json(entry), ensure_ascii=False).encode() + b"\n"


def csv_lines(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """One line per entry, the names of the columns first. No cell is a formula to a spreadsheet."""
    yield _line(COLUMNS)
    for entry in _batches(rows):
        yield _line([_cell(value) for value in entry_json(entry).values()])


FORMATS: Final[Mapping[str, tuple[str, Callable[[QuerySet[AuditEntry]], Iterator[bytes]]]]] = {
    "csv": ("text/csv; charset=utf-8", csv_lines),
    "jsonl": ("application/jsonl", json_lines),
}


def _batches(rows: QuerySet[AuditEntry]) -> Iterator[AuditEntry]:
    """The oldest first, some at a time: entries that are added meanwhile come last."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield from batch
        last = batch[-1].pk


def _line(cells: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    text = "" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
