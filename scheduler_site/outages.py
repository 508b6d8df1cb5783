"""Which errors only say that the database cannot be used at this moment: the same may succeed a little later."""

from __future__ import annotations

from typing import Final

from django.db import InterfaceError, InternalError, OperationalError

# A PostgreSQL that takes no writes: a standby, or one that an administrator has put to rest.
READ_ONLY: Final = "25006"


def is_outage(error: BaseException | None) -> bool:
    """Whether the database is away, busy, full or read-only, rather than asked for something wrong."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "sqlstate", None) == READ_ONLY
    return isinstance(error, OperationalError | InterfaceError)
