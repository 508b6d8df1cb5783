"""Answers 503 where the process lacks what it takes to answer at all: memory, threads, descriptors."""

from __future__ import annotations

import errno
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

RETRY_SECONDS: Final = 5
SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOBUFS})
HEADERS: Final = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"%d" % RETRY_SECONDS)]
TOLD: Final = b"The site has too much to do at this moment. Ask again in a few seconds.\n"


def is_shortage(problem: BaseException) -> bool:
    """Whether there was not enough of something, which may be over in a moment."""
    if isinstance(problem, OSError):
        return problem.errno in SHORTAGES
    # Of threads Python tells by these words alone.
    return isinstance(problem, MemoryError) or str(problem) == "can't start new thread"


def answering_shortage(application: Application) -> Application:
    """`application`, whose clients are told to come again when it could not begin to answer for want of something.

    Django answers what goes wrong within a view; without a thread it does not come that far, and the server says 500.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def sent(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await application(scope, receive, sent)
        except (RuntimeError, MemoryError, OSError) as problem:
            if has_begun or scope["type"] != "http" or not is_shortage(problem):
                raise
            logger.warning("could not begin to answer %s %s: %s", scope["method"], scope["path"], problem)
            await send({"type": "http.response.start", "status": 503, "headers": HEADERS})
            await send({"type": "http.response.body", "body": TOLD})

    return answer
