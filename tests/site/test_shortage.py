from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from typing import Any

import pytest

from scheduler_site.shortage import answering_shortage

SCOPE = {"type": "http", "method": "POST", "path": "/api/v1/jobs"}
SHORT = [
    pytest.param(RuntimeError("can't start new thread"), id="threads"),
    pytest.param(MemoryError(), id="memory"),
    pytest.param(OSError(errno.EMFILE, "Too many open files"), id="descriptors"),
]


def told_of(problem: Exception, *, after: list[dict[str, Any]] | None = None) -> list[Mapping[str, Any]]:
    """What a client is sent by an application that sends `after` and then fails."""
    sent: list[Mapping[str, Any]] = []

    async def application(scope: object, receive: object, send: Any) -> None:
        for message in after or []:
            await send(message)
        raise problem

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(answering_shortage(application)(dict(SCOPE), receive, send))
    return sent


@pytest.mark.parametrize("problem", SHORT)
def test_who_asks_while_something_is_short_is_told_to_come_again(problem: Exception) -> None:
    begin, body = told_of(problem)

    assert begin["status"] == 503
    assert dict(begin["headers"])[b"retry-after"] == b"5"
    assert b"Ask again" in body["body"]


@pytest.mark.parametrize("problem", SHORT)
def test_an_answer_that_has_begun_is_not_answered_twice(problem: Exception) -> None:
    begun = {"type": "http.response.start", "status": 200, "headers": []}

    with pytest.raises(type(problem)):
        told_of(problem, after=[begun])


@pytest.mark.parametrize("problem", [RuntimeError("a mistake"), OSError(errno.EPERM, "no")], ids=["own", "permission"])
def test_mistakes_are_not_taken_for_a_shortage(problem: Exception) -> None:
    with pytest.raises(type(problem)):
        told_of(problem)
