"""A Redis server of the tests' own, on a unix socket, gone at their end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduler_site.embedded import FOLLOW, broker_answers, broker_part
from tests.servers.parts import wait_until


@dataclass(frozen=True)
class RedisServer:
    """A running server that keeps nothing."""

    socket: Path

    @property
    def url(self) -> str:
        """What CELERY_BROKER_URL would hold."""
        return f"redis+socket://{self.socket}"


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A server started once per session, with the program and options of the embedded broker."""
    directory = Path(tempfile.mkdtemp(prefix="by-redis-"))
    path = directory / "redis.sock"
    command = broker_part(path, data_directory=directory).command
    server = subprocess.Popen([sys.executable, FOLLOW, str(os.getpid()), *command], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: broker_answers(path), what="Redis answers")
        yield RedisServer(path)
    finally:
        server.terminate()
        server.wait(timeout=20)
        shutil.rmtree(directory)
