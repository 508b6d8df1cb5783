"""The site's own web part, served in a thread of the test on a free port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from scheduler_site.application import Application
from scheduler_site.shortage import answering_shortage
from tests.servers.parts import wait_until


@contextmanager
def served() -> Iterator[int]:
    """The port on which the site answers for as long as this lasts."""
    # A new one for each loop: whoever waits for a turn waits in the loop of that turn.
    application = answering_shortage(Application())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", ws="none")
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started, what="the web server serves")
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
