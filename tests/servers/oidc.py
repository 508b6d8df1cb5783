"""An OpenID Connect provider of the tests' own, on a free loopback port, gone at their end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.scenarios.site import free_port
from tests.servers.parts import wait_until


@dataclass(frozen=True)
class Provider:
    """A running provider that asks nobody for a password: one says who one is."""

    port: int

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def provider_of(people: dict[str, str]) -> Iterator[Provider]:
    """A provider of these people: subjects and the names that it tells of them."""
    found = Provider(free_port())
    claims = [json.dumps({"sub": subject, "preferred_username": name}) for subject, name in people.items()]
    users = [word for told in claims for word in ("--user-claims", told)]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(found.port), *users]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(found.port), what="the provider answers")
        yield found
    finally:
        server.terminate()
        server.wait(20)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
