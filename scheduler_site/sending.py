"""Files as answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from django.http import FileResponse


class SentFile(FileResponse):
    """An open file, sent piece by piece also by ASGI servers, for which Django itself reads all of it first."""

    block_size = 256 * 1024

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
