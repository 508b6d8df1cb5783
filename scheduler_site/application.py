"""Hands the requests of an ASGI server to Django."""

from __future__ import annotations

import asyncio
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# A thread more each, with a connection to the database and what a request takes in memory; the others wait their turn.
AT_ONCE: Final = 32


class Application(ASGIHandler):
    """Django's, but answers a request in one thread, from its first middleware to the text of the answer.

    Django's own leaves the thread for whatever could be asynchronous, though next to nothing here is: for the view, to
    render its answer, and for each middleware that can be both. That was a third of a short request. And it answers all
    requests at once, however many come in one moment. What streams is sent by the server's loop, as with Django's.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        async with self._turns:
            return await sync_to_async(self.get_response)(request)
