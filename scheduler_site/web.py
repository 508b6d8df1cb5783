"""Runs the web part on a listening socket that it inherits, so that a restart refuses nobody."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence

import uvicorn

# First, as it sets Django up.
from scheduler_site.asgi import application

from scheduler_site.answers import Reporter  # isort: skip
from scheduler_site.standstill import Pulse, Watch  # isort: skip

# Live pages hold their connections open; they come back to the next process.
GRACE_SECONDS = 2


class Server(uvicorn.Server):
    """Shows by `pulse` that its loop goes on, some ten times a second."""

    def __init__(self, config: uvicorn.Config, *, pulse: Pulse) -> None:
        super().__init__(config)
        self._pulse = pulse

    async def on_tick(self, counter: int) -> bool:
        self._pulse.beat()
        return await super().on_tick(counter)


def main(argv: Sequence[str]) -> None:
    """Serve until TERM or INT."""
    parser = argparse.ArgumentParser(prog="python -m scheduler_site.web")
    parser.add_argument("--fd", type=int, required=True, help="a listening socket")
    options = parser.parse_args(argv)
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        # The peer's own address decides whether forwarded headers are believed.
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    Reporter().start()
    watch = Watch()
    watch.start()
    Server(config, pulse=watch.pulse("the web server")).run(sockets=[socket.socket(fileno=options.fd)])


if __name__ == "__main__":
    main(sys.argv[1:])
