"""Seats of hosts, lent and returned. The borrower is a number; what it means is the borrower's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from hosts.models import Lease
from scheduler_site.records import as_parameter, as_rows, insert_many, query

TABLE: Final = Lease._meta.db_table
COLUMNS: Final = {"host_id": "bigint", "seat": "bigint", "holder": "bigint", "taken_at": "timestamptz"}
RETURNED: Final = {"holder": "bigint", "released_at": "timestamptz"}


class Loan(NamedTuple):
    """One seat of one host for one holder."""

    host: int
    seat: int
    holder: int


def take(loans: Iterable[Loan], *, at: datetime) -> None:
    """Lend seats. Raises IntegrityError, lending none of them, if one is lent already."""
    insert_many(TABLE, COLUMNS, [(*loan, at) for loan in loans], returning="id")


def release(holders: Collection[int], *, at: datetime) -> list[Loan]:
    """Take back what `holders` have: the seats that came back. Those returned before are not among them."""
    sql = f"UPDATE {TABLE} SET released_at = d.released_at FROM {as_rows(RETURNED)} "  # noqa: S608
    where = f"WHERE {TABLE}.holder = d.holder AND {TABLE}.released_at IS NULL"
    back = f" RETURNING {TABLE}.host_id, {TABLE}.seat, {TABLE}.holder"
    return [Loan(*row) for row in query(sql + where + back, [as_parameter((holder, at) for holder in holders)])]


def forget(*, before: datetime, most: int) -> int:
    """Remove what is known of seats that came back before then, looking at the `most` oldest. How many."""
    oldest = Lease.objects.order_by("pk").values_list("pk", "released_at")[:most]
    gone = [pk for pk, released_at in oldest if released_at is not None and released_at < before]
    return Lease.objects.filter(pk__in=gone).delete()[0]


def taken() -> dict[int, set[int]]:
    """The lent seats of every host that has lent any."""
    seats: dict[int, set[int]] = {}
    for host, seat in query(f"SELECT host_id, seat FROM {TABLE} WHERE released_at IS NULL"):  # noqa: S608
        seats.setdefault(host, set()).add(seat)
    return seats
