"""Which engine talks to which host. Fifteen seconds at a time, by the database's clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from hosts.models import Ownership
from jobs.execution.presence import is_dead
from scheduler_site.records import change

LEASE: Final = timedelta(seconds=15)
RENEW_SECONDS: Final = 4.0


@dataclass(frozen=True, slots=True)
class Grip:
    """Proof of owning a host: every write about its runs is checked against the token.

    `is_after_death`: the owner before has not given it up.
    """

    host: int
    owner: str
    token: int
    is_after_death: bool = False


class Fenced(Exception):
    """Another engine owns the host by now; nothing was written."""


def acquire(hosts: Iterable[int], *, owner: str) -> list[Grip]:
    """Take each of `hosts` that nobody owns, whose lease has run out or whose owner is known to be gone."""
    grips = []
    for host in hosts:
        with transaction.atomic():
            Ownership.objects.get_or_create(host_id=host, defaults={"owner": "", "expires_at": Now()})
            before = _owners(host)
            dead = [name for name in before if is_dead(name)]
            # A lease that ends later than any can was written before the clock was put back.
            stale = Q(expires_at__lt=Now()) | Q(expires_at__gt=Now() + 2 * LEASE)
            free = Q(owner="") | stale | Q(owner__in=dead)
            won = Ownership.objects.filter(free, host_id=host).update(
                owner=owner, token=F("token") + 1, expires_at=Now() + LEASE
            )
            if won:
                token = Ownership.objects.values_list("token", flat=True).get(host_id=host)
                grips.append(Grip(host, owner, token, is_after_death=bool(before)))
    return grips


def free(hosts: Collection[int]) -> set[int]:
    """Those of `hosts` that nobody owns now."""
    leased = Q(expires_at__gte=Now()) & Q(expires_at__lte=Now() + 2 * LEASE)
    owned = Ownership.objects.filter(leased, host__in=hosts).exclude(owner="")
    return set(hosts) - {host for host, owner in owned.values_list("host_id", "owner") if not is_dead(owner)}


def _owners(host: int) -> list[str]:
    return list(Ownership.objects.filter(host_id=host).exclude(owner="").values_list("owner", flat=True))


def renew(grips: Collection[Grip]) -> set[Grip]:
    """Keep `grips` for another lease. Those that are still ours."""
    kept = set()
    with transaction.atomic():
        for grip in grips:
            mine = Ownership.objects.filter(host_id=grip.host, token=grip.token, owner=grip.owner)
            if mine.update(expires_at=Now() + LEASE):
                kept.add(grip)
    return kept


def release(grip: Grip) -> None:
    """Give a host up, so that another engine need not wait for the lease to run out."""
    Ownership.objects.filter(host_id=grip.host, token=grip.token).update(owner="", expires_at=Now())


def check(grip: Grip, *, journal_offset: int | None = None) -> None:
    """Make sure, inside the caller's transaction, that the host is still ours until it commits.

    With `journal_offset`: also record how far the host's journal has been acted on. Raises Fenced.
    """
    # An update even where nothing changes: it holds the row until the caller commits.
    offset = "journal_offset" if journal_offset is None else "%s"
    sql = f"UPDATE hosts_ownership SET journal_offset = {offset} WHERE host_id = %s AND token = %s AND owner = %s"  # noqa: S608
    offsets = [] if journal_offset is None else [journal_offset]
    held = change(sql, [*offsets, grip.host, grip.token, grip.owner])
    if not held:
        raise Fenced(f"host {grip.host} is no longer owned by {grip.owner} (token {grip.token})")


def owner_of(host: int) -> str:
    """The engine that owns the host now; "" if none does."""
    row = Ownership.objects.filter(host_id=host, expires_at__gte=Now()).first()
    return row.owner if row else ""
