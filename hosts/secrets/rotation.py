"""Brings everything sealed under the newest key, and tells at the start of a site whether it can be read at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from cryptography.fernet import InvalidToken
from django.db.models import Model

from hosts.secrets.ring import Ring, ring
from hosts.secrets.sealed import SealedText, has_sealed, lost_keys, open_with, seal_with, sealed_fields

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many secrets were sealed anew, and how many were under the newest key already."""

    changed: int
    kept: int


def rotate() -> Rotated:
    """Seal everything under the first key. Interrupted, it may be repeated: what is done stays done.

    Raises SecretsUnusable at the first secret that cannot be read.
    """
    keys = _keys()
    if keys is None:
        return Rotated(0, 0)
    answers = [_reseal(keys, field, row) for field in sealed_fields() for row in _rows(field)]
    return Rotated(answers.count(True), answers.count(False))


def check_readable() -> None:
    """See that the keys make sense and open the oldest and the newest secret of each column. Raises SecretsUnusable."""
    keys = _keys()
    if keys is None:
        return
    for field in sealed_fields():
        rows = field.model._default_manager.order_by("pk")
        for row in filter(None, (rows.first(), rows.last())):
            open_with(keys, getattr(row, field.attname), place=field.place(row.pk))


def _keys() -> Ring | None:
    """The keys; None if there are none and nothing needs them. Raises SecretsUnusable."""
    keys = ring()
    if keys is None and has_sealed():
        raise lost_keys()
    return keys


def _rows(field: SealedText) -> Iterator[Model]:
    """All rows of the column's table, some at a time; none is held while the next are waited for."""
    rows: Any = field.model._default_manager.order_by("pk").only("pk", field.attname)
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:BATCH])


def _reseal(keys: Ring, field: SealedText, row: Model) -> bool:
    """Whether this call brought the row's secret under the first key. False: it was, or has been changed meanwhile."""
    sealed: str = getattr(row, field.attname)
    place = field.place(row.pk)
    text = open_with(keys, sealed, place=place)
    try:
        keys.first.decrypt(sealed.encode())
    except InvalidToken:
        # Compare and set: what somebody has just given is newer than what was read.
        mine = field.model._default_manager.filter(pk=row.pk, **{field.attname: sealed})
        return bool(mine.update(**{field.attname: seal_with(keys, text, place=place)}))
    return False
