"""Makes and revokes tokens."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from accounts import audit
from accounts.models import Token, User


@transaction.atomic
def make_token(owner: User, *, name: str, period: timedelta | None, is_read_only: bool) -> tuple[Token, str]:
    """A new token of `owner`: its row, and its text, which cannot be told again. `period` None: until revoked."""
    row: Token
    row, text = Token.objects.create(  # type: ignore[no-untyped-call]
        owner, expiry=period, name=name, is_read_only=is_read_only
    )
    audit.record_change(row, None, action="make token")
    return row, text


def revoke_token(row: Token) -> None:
    """End the token, at once."""
    with audit.removed(row):
        row.delete()
