"""Seats of hosts, lent and returned. The borrower is a number; what it means is the borrower's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from hosts.models import Lease


class Loan(NamedTuple):
    """One seat of one host for one holder."""

    host: int
    seat: int
    holder: int


def take(loans: Iterable[Loan], *, at: datetime) -> None:
    """Lend seats. Raises IntegrityError, lending none of them, if one is lent already."""
    Lease.objects.bulk_create([Lease(host_id=x.host, seat=x.seat, holder=x.holder, taken_at=at) for x in loans])


def release(holders: Collection[int], *, at: datetime) -> int:
    """Take back what `holders` have. How many seats came back; those returned before are not counted."""
    return Lease.objects.filter(holder__in=holders, released_at=None).update(released_at=at)


def taken(hosts: Collection[int]) -> dict[int, set[int]]:
    """The lent seats of `hosts`, by host."""
    seats: dict[int, set[int]] = {host: set() for host in hosts}
    rows = Lease.objects.filter(host__in=hosts, released_at=None).values_list("host_id", "seat")
    for host, seat in rows:
        seats[host].add(seat)
    return seats
