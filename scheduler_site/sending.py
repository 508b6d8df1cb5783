"""Files as answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from django.http import FileResponse

BLOCK_BYTES: Final = 256 * 1024


class SentFile(FileResponse):
    """An open file, sent piece by piece also by ASGI servers, for which Django itself reads all of it first."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        file = self.file_to_stream
        while file is not None and (block := await asyncio.to_thread(file.read, BLOCK_BYTES)):
            yield block
