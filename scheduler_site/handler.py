"""Hands the requests of an ASGI server to Django."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class Handler(ASGIHandler):
    """Django's, but answers a request in one thread, from its first middleware to the text of the answer.

    Django's own leaves the thread for whatever could be asynchronous, though next to nothing here is: for the view, to
    render its answer, and for each middleware that can be both. That was a third of a short request. What streams is
    sent by the server's loop, as with Django's.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response)(request)
