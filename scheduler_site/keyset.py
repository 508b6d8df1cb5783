"""Pages that begin behind a row, found by the index of their order however far down they are."""

from __future__ import annotations

import heapq
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from json import dumps, loads
from typing import Any, Final

from django.db.models import BooleanField, DateTimeField, F, Func, QuerySet, Value

NUMBER_LIMIT: Final = 2**63
CURSOR_LIMIT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Order:
    """The fields that rows are sorted by, the last of them unique; all upwards or all downwards."""

    fields: tuple[str, ...]
    is_down: bool

    @classmethod
    def of(cls, ordering: Sequence[str]) -> Order:
        """From Django's way of writing it: `-created_at`, `-id`."""
        return cls(tuple(name.removeprefix("-") for name in ordering), is_down=ordering[0].startswith("-"))

    @property
    def reversed(self) -> Order:
        return Order(self.fields, not self.is_down)

    def key(self, row: Any) -> tuple[Any, ...]:
        """Where `row` stands."""
        return tuple(getattr(row, name) for name in self.fields)

    def rows(self, parts: Sequence[QuerySet[Any]], *, behind: Cursor | None, most: int) -> list[Any]:
        """The first rows of all `parts` together. Each is asked for by itself, so each can use an index."""
        found = [list(self._behind(part, behind)[:most]) for part in parts]
        return list(islice(heapq.merge(*found, key=self.key, reverse=self.is_down), most))

    def _behind(self, rows: QuerySet[Any], cursor: Cursor | None) -> QuerySet[Any]:
        sign = "-" if self.is_down else ""
        rows = rows.order_by(*(sign + name for name in self.fields))
        if cursor is None:
            return rows
        model = rows.model._meta
        values = [Value(value, model.get_field(name)) for name, value in zip(self.fields, cursor.values, strict=True)]
        sign = "<" if self.is_down else ">"
        # The first field once more by itself: SQLite takes no end of an index's range from a comparison of rows.
        first = RowComparison(F(self.fields[0]), values[0], comparison=f"{sign}=")
        narrowed = rows.filter(first, RowComparison(*map(F, self.fields), *values, comparison=sign))
        # Of two bounds in the same direction SQLite begins at the one that is written first, and this one is nearer.
        narrowed.query.where.children.reverse()
        return narrowed


class RowComparison(Func):
    """`(a, b) < (x, y)`: one range of an index, where `a < x OR (a = x AND b < y)` reads what it then drops."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, *_given: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:
        compiled = [compiler.compile(expression) for expression in self.source_expressions]
        half = len(compiled) // 2
        ours, theirs = (", ".join(sql for sql, _ in side) for side in (compiled[:half], compiled[half:]))
        params = tuple(param for _, params in compiled for param in params)
        return f"({ours}) {self.extra['comparison']} ({theirs})", params


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows: behind the one with these values, in the list's order or against it."""

    values: tuple[Any, ...]
    is_backwards: bool

    @property
    def text(self) -> str:
        told = [value.isoformat() if isinstance(value, datetime) else value for value in self.values]
        return urlsafe_b64encode(dumps([int(self.is_backwards), *told]).encode()).decode()

    @classmethod
    def read(cls, text: str, *, order: Order, model: Any) -> Cursor:
        """Raises ValueError or ValidationError for a text that `text` has not made for a list in this order."""
        if len(text) > CURSOR_LIMIT:
            raise ValueError("too long")
        told = loads(urlsafe_b64decode(text.encode("ascii")))
        if not isinstance(told, list) or len(told) != len(order.fields) + 1 or told[0] not in (0, 1):
            raise ValueError("not of this list")
        fields = (model._meta.get_field(name) for name in order.fields)
        values = tuple(_value(field, _plain(value)) for field, value in zip(fields, told[1:], strict=True))
        return cls(values, is_backwards=bool(told[0]))


def _value(field: Any, told: int | str) -> Any:
    if not isinstance(field, DateTimeField):
        return field.to_python(told)
    moment = datetime.fromisoformat(str(told))
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment


def _plain(value: object) -> int | str:
    is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < NUMBER_LIMIT
    if not is_number and not (isinstance(value, str) and "\0" not in value):
        raise ValueError("not a number and not a text")
    return value  # type: ignore[return-value]  # narrowed just above


def page(
    parts: Iterable[QuerySet[Any]], *, order: Order, cursor: Cursor | None, size: int
) -> tuple[list[Any], Cursor | None, Cursor | None]:
    """The rows of a page, and the cursors of the one before and the one behind it."""
    is_backwards = cursor is not None and cursor.is_backwards
    found = (order.reversed if is_backwards else order).rows(list(parts), behind=cursor, most=size + 1)
    has_more, rows = len(found) > size, found[:size]
    if is_backwards:
        rows.reverse()
    has_before, has_behind = (has_more, cursor is not None) if is_backwards else (cursor is not None, has_more)
    before = Cursor(order.key(rows[0]), is_backwards=True) if rows and has_before else None
    behind = Cursor(order.key(rows[-1]), is_backwards=False) if rows and has_behind else None
    return rows, before, behind
