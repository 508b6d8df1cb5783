"""One connection to a site's REST API, kept open while it is used."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, Final

from bench.rows import NotMeasured

TIMEOUT_SECONDS: Final = 300.0
# Servers close a connection that has been quiet for some seconds; asking on it at that moment fails.
QUIET_SECONDS: Final = 2.0


class Client:
    """Asks with a token over one connection. Raises NotMeasured on any answer that was not expected."""

    def __init__(self, port: int, *, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        self._asked_at = time.monotonic()
        self._headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str) -> Any:
        return json.loads(self.ask("GET", f"/api/v1/{path}"))

    def post(self, path: str, body: object) -> Any:
        return json.loads(self.ask("POST", f"/api/v1/{path}", body=json.dumps(body).encode(), expect=201))

    def patch(self, path: str, body: object) -> Any:
        return json.loads(self.ask("PATCH", f"/api/v1/{path}", body=json.dumps(body).encode()))

    def ask(
        self, method: str, path: str, *, body: bytes | None = None, expect: int = 200, cookie: str | None = None
    ) -> bytes:
        """The body of the answer, whole. With a cookie, that one is sent in place of the token."""
        headers = {"Cookie": cookie} if cookie else self._headers
        if time.monotonic() > self._asked_at + QUIET_SECONDS:
            self._connection.close()
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        self._asked_at = time.monotonic()
        if answer.status != expect:
            told = content[:500].decode(errors="replace")
            raise NotMeasured(f"{method} {path} was answered {answer.status}, not {expect}: {told}")
        return content
