"""Work is turned away before anything of it is half taken."""

from __future__ import annotations

import shutil
from typing import Final

from django.conf import settings

from scheduler_site.api.errors import Unavailable

FREE_LIMIT_BYTES: Final = 64 * 1024 * 1024


def check_room(*, extra_bytes: int = 0) -> None:
    """Raises Unavailable if the data directory's disk is, or with `extra_bytes` more would be, nearly full."""
    free_bytes = shutil.disk_usage(settings.BATCHYARD_DATA_DIR).free
    if free_bytes - extra_bytes < FREE_LIMIT_BYTES:
        raise Unavailable("The server's disk is nearly full; nothing new is taken until there is room.", "disk_low")
