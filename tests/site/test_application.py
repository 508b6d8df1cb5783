"""How requests are handed from the server's loop to Django."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import override_settings
from django.urls import path

from scheduler_site.application import AT_ONCE, Application

DEADLINE_SECONDS = 20.0

seen: list[tuple[str, int]] = []


def note(what: str) -> None:
    seen.append((what, threading.get_ident()))


def noting(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware."""

    def answer(request: HttpRequest) -> HttpResponse:
        note("before")
        response = get_response(request)
        note("after")
        return response

    return answer


class Rendered(HttpResponse):
    """An answer whose text is made after the view, as those of the API are."""

    def render(self) -> Rendered:
        note("rendered")
        self.content = b"whole"
        return self


def view(request: HttpRequest) -> HttpResponse:
    note("view")
    return Rendered()


def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> Any:
        note("piece")
        yield b"pie"
        yield b"ces"

    return StreamingHttpResponse(pieces())


urlpatterns = [path("whole", view), path("pieces", stream)]

pytestmark = pytest.mark.usefixtures("own_urls")


@pytest.fixture
def own_urls() -> Any:
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.noting"]):
        yield


async def told(application: Application, place: str) -> tuple[int, bytes]:
    """Status and body that a client gets, who stays until it has all of it."""
    sent: list[Mapping[str, Any]] = []
    questions = [{"type": "http.request", "body": b""}]

    async def receive() -> Mapping[str, Any]:
        if not questions:
            await asyncio.Event().wait()
        return questions.pop()

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": place, "query_string": b"", "headers": [(b"host", b"localhost")]}
    await application(scope, receive, send)
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:] if "body" in message)


def test_one_thread_answers_all_of_a_request() -> None:
    assert asyncio.run(told(Application(), "/whole")) == (200, b"whole")

    assert [what for what, _ in seen] == ["before", "view", "rendered", "after"]
    assert len({thread for _, thread in seen}) == 1
    assert threading.get_ident() not in {thread for _, thread in seen}


def test_the_loop_sends_what_streams() -> None:
    assert asyncio.run(told(Application(), "/pieces")) == (200, b"pieces")

    assert seen[-1] == ("piece", threading.get_ident())


class Held(Application):
    """Answers nothing until as many requests are being answered as may be at once."""

    def __init__(self) -> None:
        super().__init__()
        self.full = threading.Barrier(AT_ONCE)
        self.most = self._now = 0
        self._lock = threading.Lock()

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.full.wait(DEADLINE_SECONDS)
        with self._lock:
            self._now -= 1
        return super().get_response(request)


def test_a_crowd_is_answered_some_at_once_and_nobody_is_forgotten() -> None:
    async def crowd(application: Application) -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(told(application, "/whole") for _ in range(4 * AT_ONCE)))

    application = Held()

    assert asyncio.run(crowd(application)) == [(200, b"whole")] * 4 * AT_ONCE
    assert application.most == AT_ONCE
