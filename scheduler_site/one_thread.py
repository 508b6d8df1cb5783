"""Keeps a request's middleware in one thread."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def in_one_thread(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Does nothing, and is the innermost, and synchronous only: so Django calls what is around it in the same way.

    Middleware that can be both would be called as asynchronous, and change threads twice each for a request.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    return answer
