"""Asks as clients of batchd ask: any content type or none, Basic, no patience for redirects."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Final

from django.test import Client

PASSWORD: Final = "correct horse battery staple"
NEW_JOB: Final = {"type": "render", "params": {"scene": "a"}}


def basic(name: str, password: str = PASSWORD) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


@dataclass
class Asker:
    """A client of the contract, as somebody."""

    name: str
    client: Client = field(default_factory=Client)

    def answer(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Whatever comes back."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {"Authorization": basic(self.name), **headers}
        kind = said.pop("Content-Type", "")
        return self.client.generic(method, f"/batchd/{path}", data, content_type=kind, headers=said)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that has to be 200."""
        answer = self.answer(method, path, body)
        assert answer.status_code == 200, (method, path, answer.status_code, answer.content)
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None, *, status: int, **headers: str) -> str:
        """The text of an answer that has to be an error of this status."""
        answer = self.answer(method, path, body, **headers)
        text: str = answer.content.decode()
        assert answer.status_code == status, (method, path, answer.status_code, text)
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        return text


def line_of(ask: Asker, queue: str = "free") -> list[int]:
    """The numbers of the jobs that wait in a queue, in their order."""
    return [job["id"] for job in ask("GET", f"queue/{queue}/jobs")]


def three_jobs(ask: Asker) -> list[int]:
    return [ask("POST", "queue/free", NEW_JOB) for _ in range(3)]
