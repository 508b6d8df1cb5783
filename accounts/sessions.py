"""Keeps sessions in rows that say whose they are, and ends those that are idle or old (SESSION_ENGINE)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import origin
from accounts.audit import record
from accounts.models import Session
from accounts.uses import is_due, tell_use

BEGAN: Final = "began"
BROWSER_LIMIT: Final = 200


class SessionStore(db.SessionStore):
    """Django's own, with an end that comes after a while without use, and one that comes in any case."""

    @classmethod
    def get_model_class(cls) -> Any:
        return Session

    def _get_session_from_db(self) -> Session | None:
        row: Session | None = super()._get_session_from_db()  # type: ignore[misc]
        if row is not None:
            _tell_seen(row, at=timezone.now())
        return row

    async def _aget_session_from_db(self) -> Session | None:
        return await sync_to_async(self._get_session_from_db)()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        key = self._get_or_create_session_key()  # type: ignore[attr-defined]
        return _row(key, data, text=self.encode(data), at=timezone.now())

    async def acreate_model_instance(self, data: dict[str, Any]) -> Session:
        return self.create_model_instance(data)


def _row(key: str, data: dict[str, Any], *, text: str, at: datetime) -> Session:
    began = datetime.fromisoformat(data[BEGAN]) if BEGAN in data else at
    asked = origin.request()
    return Session(
        session_key=key,
        session_data=text,
        expire_date=_ends(began, at=at),
        user_id=int(data[SESSION_KEY]) if SESSION_KEY in data else None,
        label=label_of(key),
        began_at=began,
        seen_at=at,
        peer=origin.peer_of(asked) if asked else "",
        browser=_browser(asked) if asked else "",
    )


def _ends(began: datetime, *, at: datetime) -> datetime:
    return min(at + settings.BATCHYARD_SESSION_IDLE, began + settings.BATCHYARD_SESSION_LENGTH)


def _browser(request: HttpRequest) -> str:
    told = request.META.get("HTTP_USER_AGENT", "")[:BROWSER_LIMIT]
    return "".join(sign if sign.isprintable() else "?" for sign in told)


def _tell_seen(row: Session, *, at: datetime) -> None:
    if is_due(row.seen_at, at=at):
        rows = Session.objects.filter(session_key=row.session_key)
        tell_use(rows, seen_at=at, expire_date=_ends(row.began_at, at=at))


def label_of(key: str) -> str:
    """What names the session with this key, and does not open anything."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def begin(request: HttpRequest, *, at: datetime) -> None:
    """Let the session of somebody who has just signed in begin now. Forgets sessions that are over."""
    request.session[BEGAN] = at.isoformat()
    Session.objects.filter(expire_date__lte=at).delete()


def end(rows: QuerySet[Session], *, name: str) -> int:
    """End these sessions of `name`, at once. How many there were."""
    labels = list(rows.values_list("label", flat=True))
    for label in labels:
        record("end session", kind=Session._meta.label_lower, name=name, before={"session": label})
    rows.filter(label__in=labels).delete()
    return len(labels)
