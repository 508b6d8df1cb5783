"""Writes down that something that opens the site is in use: at most once a minute each, so that reading stays cheap."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import InterfaceError, InternalError, OperationalError
from django.db.models import QuerySet

from scheduler_site.outages import is_outage

logger = logging.getLogger(__name__)

TOLD_EVERY: Final = timedelta(minutes=1)


def is_due(last: datetime | None, *, at: datetime) -> bool:
    """Whether what was written last is so old that it is written again."""
    return last is None or last <= at - TOLD_EVERY


def tell_use(rows: QuerySet[Any], **columns: Any) -> None:
    """Write `columns`. A database that takes no writes at this moment does not keep anybody from reading."""
    try:
        rows.update(**columns)
    except (OperationalError, InterfaceError, InternalError) as problem:
        if not is_outage(problem):
            raise
        logger.warning("a use is not written down: %s", problem)
