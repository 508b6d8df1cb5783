"""Writes down who changed what. Stages call it within the transaction of the change, whichever edge it came by."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from accounts import origin

Values = Mapping[str, Any]
Row = TypeVar("Row", bound=Model)
P = ParamSpec("P")
Answer = TypeVar("Answer")

ENCODER: Final = DjangoJSONEncoder(ensure_ascii=False)
MASK: Final = "***"
SECRET: Final = re.compile(r"passw|passphrase|secret|token|credential|private|api_?key|digest$", re.IGNORECASE)
TEXT_LIMIT: Final = 10_000
# Rows that belong to another and are told with it, by the other's model: relation and the columns that are told.
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts.user": ("groups", "grants"),
    "auth.group": ("user_set", "grants"),
    "jobs.queue": ("grants",),
    "jobs.jobtype": ("parameters", "grants"),
    "jobs.schedule": ("windows", "exceptions"),
    "hosts.host": ("grants",),
    "hosts.pool": ("members", "grants"),
}
# Columns that tell nothing that people have changed.
UNTOLD: Final = frozenset({"last_login", "last_used_at", "digest", "token_key"})
NAMES_ONLY: Final = frozenset({"groups", "user_set", "grants", "members"})
# A statement of our own, as every submission makes an entry: nothing of it is built anew each time.
INSERT: Final = """
    INSERT INTO accounts_auditentry
        (at, actor, mode, peer, request_id, action, kind, object_id, name, before, after)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def record(
    action: str, *, kind: str = "", pk: object = "", name: str = "", before: Values | None = None,
    after: Values | None = None, actor: str | None = None,
) -> None:  # fmt: skip
    """Write one entry. `actor` counts where no request or command is known to have asked."""
    by = origin.current()
    at = connection.ops.adapt_datetimefield_value(timezone.now())
    row = (
        at, by.actor or _plain(actor or "", 150), by.mode, by.peer, by.request_id, action[:32], kind, str(pk or ""),
        _plain(name, 200), _text(before), _text(after),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT, row)


def _text(values: Values | None) -> str | None:
    if values is None:
        return None
    # What no database takes in a text is told as a question mark.
    return ENCODER.encode(masked(values)).encode("utf-8", "replace").decode()


def _plain(text: str, limit: int) -> str:
    return text.replace("\0", "?").encode("utf-8", "replace").decode()[:limit]


def masked(value: Any, *, name: str = "") -> Any:
    """`value` without what is secret by its name, and without texts too long to be read."""
    if isinstance(value, Mapping):
        return {key: masked(inner, name=str(key)) for key, inner in value.items()}
    if name and SECRET.search(name) and value not in (None, "", [], False, True):
        return MASK
    if isinstance(value, list | tuple):
        return [masked(inner) for inner in value]
    if not isinstance(value, str):
        return value
    text = _plain(value, TEXT_LIMIT)
    return text if len(value) <= TEXT_LIMIT else f"{text}… ({len(value)} characters)"


def stored(row: Model) -> dict[str, Any] | None:
    """What the database has of `row` and its parts now; None if it is not there."""
    # By way of _meta, as the user of a request is a stand-in of another class.
    found = row._meta.model._base_manager.filter(pk=row.pk).first() if row.pk is not None else None
    if found is None:
        return None
    told = _columns(found)
    for relation in PARTS.get(found._meta.label_lower, ()):
        parts = getattr(found, relation).all()
        told[relation] = [str(part) if relation in NAMES_ONLY else _columns(part) for part in parts]
    return told


def _number_of(row: Model) -> object:
    """What people know `row` by: its key, but of a token not the hash that opens the site."""
    return getattr(row, "token_key", row.pk)


def _columns(row: Model) -> dict[str, Any]:
    fields = [field for field in row._meta.concrete_fields if field.name not in UNTOLD]
    return {
        field.name: str(getattr(row, field.name)) if field.is_relation and getattr(row, field.attname) else
        field.value_from_object(row)
        for field in fields
        if not field.primary_key
    }  # fmt: skip


def record_change(row: Model, before: Values | None, *, action: str = "") -> None:
    """Write that `row`, which was `before` (None: not there), is now what the database has. Nothing if it is the same.

    Of a change, only what differs is told.
    """
    after = stored(row)
    if before == after and not action:
        return
    if before is not None and after is not None:
        differing = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        before = {key: before.get(key) for key in sorted(differing)}
        after = {key: after.get(key) for key in sorted(differing)}
    word = action or ("add" if before is None else "change" if after is not None else "remove")
    record(word, kind=row._meta.label_lower, pk=_number_of(row), name=str(row), before=before, after=after)


@contextmanager
def changed(row: Model, *, action: str = "") -> Iterator[None]:
    """A transaction in which `row` is made or changed, with an entry about what it was and what it is."""
    with transaction.atomic():
        before = stored(row)
        yield
        record_change(row, before, action=action)


@contextmanager
def removed(row: Model, *, also: Values | None = None) -> Iterator[None]:
    """A transaction in which `row` is removed, with an entry about what it was. `also`: what went with it."""
    with transaction.atomic():
        before, pk, name = stored(row), _number_of(row), str(row)
        yield
        if before is not None:
            record("remove", kind=row._meta.label_lower, pk=pk, name=name, before=before, after=also)


def commanded(
    command: Callable[Concatenate[Row, P], Answer],
) -> Callable[Concatenate[Row, P], Answer]:
    """`command`, which does something to a row on behalf of `actor`, within a transaction and with an entry."""
    word = command.__name__

    @functools.wraps(command)
    def told(row: Row, *args: P.args, **options: P.kwargs) -> Answer:
        with transaction.atomic():
            answer = command(row, *args, **options)
            given = {key: str(value) for key, value in options.items() if key not in {"at", "actor"} and value}
            for told_of in args:
                given |= {key: str(value) for key, value in told_of.items()} if isinstance(told_of, Mapping) else {}
            actor = options.get("actor")
            record(
                word, kind=row._meta.label_lower, pk=row.pk, name=str(row), after=given or None,
                actor=str(actor) if actor else None,
            )  # fmt: skip
            return answer

    return cast(Callable[Concatenate[Row, P], Answer], told)
