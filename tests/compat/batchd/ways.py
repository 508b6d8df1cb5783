"""The programs by which requests come: `requests`, curl and a browser's fetch."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import requests
from playwright.sync_api import sync_playwright

from tests.compat.batchd.asking import PASSWORD
from tests.servers.parts import program

FETCH = """
async ([method, address, kind, body]) => {
    const given = body === null ? undefined : new Blob([body], {type: kind ?? ""});
    const answer = await fetch(address, {method: method, body: given, redirect: "error"});
    return [answer.status, await answer.text()];
}
"""


class Told(NamedTuple):
    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


# Method, address, content type and text of the body.
Way = Callable[[str, str, str | None, str | None], Told]


@contextmanager
def by_requests(port: int) -> Iterator[Way]:
    def ask(method: str, path: str, kind: str | None, body: str | None) -> Told:
        answer = requests.request(
            method, f"http://127.0.0.1:{port}{path}", data=None if body is None else body.encode(),
            headers={"Content-Type": kind} if kind and body is not None else {}, auth=("root", PASSWORD),
            allow_redirects=False, timeout=20,
        )  # fmt: skip
        return Told(answer.status_code, answer.text)

    yield ask


@contextmanager
def by_curl(port: int) -> Iterator[Way]:
    curl = program("curl")

    def ask(method: str, path: str, kind: str | None, body: str | None) -> Told:
        words = [curl, "-sS", "-X", method, "-u", f"root:{PASSWORD}", "-w", "\n%{http_code}", "--max-time", "20"]
        if body is not None:
            # Without this curl says that it sends a form.
            words += ["-H", f"Content-Type: {kind}" if kind else "Content-Type:", "--data-binary", body]
        done = subprocess.run([*words, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
        text, _, status = done.stdout.rpartition("\n")
        return Told(int(status), text)

    yield ask


@contextmanager
def by_browser(port: int) -> Iterator[Way]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        who: Any = {"username": "root", "password": PASSWORD}
        page = browser.new_context(base_url=f"http://127.0.0.1:{port}", http_credentials=who).new_page()
        page.goto("/batchd/type")

        def ask(method: str, path: str, kind: str | None, body: str | None) -> Told:
            return Told(*page.evaluate(FETCH, [method, path, kind, body]))

        yield ask
        browser.close()


WAYS = {"requests": by_requests, "curl": by_curl, "browser": by_browser}
