"""The program that speaks to the services: reads letters from stdin, answers a line for each, and ends.

A process of its own, so that the libraries for a hundred services are in memory only while something is sent, a
service that never answers can be left behind, and a guard can look at everything that is reached.

    {"networks": [...], "letters": [{"id", "url", "title", "body"}], "is_check": false}
    {"id": 7, "problem": "", "is_final": false}
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TextIO

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.common import PersistentStoreMode
from apprise.manager_plugins import NotificationManager

from jobs.notices.addresses import scheme_of, without_secrets
from jobs.notices.guard import Forbidden, Guard

THREADS: Final = 8
ERROR_LENGTH: Final = 300
# They show something on this machine, or speak to programs on it.
LOCAL: Final = frozenset(
    {"blink1", "dbus", "deltachat", "glib", "gnome", "kde", "macosx", "syslog", "windows"}
)  # fmt: skip
UNKNOWN: Final = "This is no address that a service is known for."

Letter = Mapping[str, Any]


class Complaints(logging.Handler):
    """What the libraries complain of, by the thread in which they do."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        self._said.last = record.getMessage()

    def forget(self) -> None:
        """Begin anew for this thread."""
        self._said.last = ""

    @property
    def last(self) -> str:
        return str(getattr(self._said, "last", ""))


class Sender:
    """Sends letters, several at a time."""

    def __init__(self, guard: Guard, answers: TextIO) -> None:
        self._guard = guard
        self._answers = answers
        self._lock = threading.Lock()
        self._complaints = Complaints()
        self._asset = AppriseAsset(
            app_id="Batchyard", app_desc="Batchyard", app_url="", async_mode=False, allow_templates=False,
            http_redirects=False, storage_mode=PersistentStoreMode.MEMORY,
        )  # fmt: skip
        logger = logging.getLogger("apprise")
        logger.handlers, logger.propagate = [self._complaints], False
        # What other libraries log may have addresses in it: it goes nowhere.
        logging.getLogger().addHandler(logging.NullHandler())

    def send_all(self, letters: list[Letter], *, is_check: bool) -> None:
        """Send them, or only look whether their addresses mean anything."""
        with ThreadPoolExecutor(THREADS) as pool:
            for letter in letters:
                sent = pool.submit(self._check if is_check else self._send, letter)
                sent.add_done_callback(partial(self._answer, letter))

    def _check(self, letter: Letter) -> tuple[str, bool]:
        return ("", False) if self._service(letter["url"]) else (UNKNOWN, True)

    def _send(self, letter: Letter) -> tuple[str, bool]:
        service = self._service(letter["url"])
        if service is None:
            return UNKNOWN, True
        self._guard.forget()
        self._complaints.forget()
        is_sent = False
        with suppress(Forbidden):  # the guard knows why
            is_sent = service.notify(title=letter["title"], body=letter["body"], body_format=NotifyFormat.TEXT)
        if is_sent:
            return "", False
        if self._guard.refused:
            return f"Refused: {self._guard.refused}", True
        return without_secrets(self._complaints.last or "The service did not take it.", letter["url"]), False

    def _service(self, url: str) -> Any:
        """What sends to `url`; None if nothing may or can."""
        known = NotificationManager()  # type: ignore[no-untyped-call]
        scheme = scheme_of(url)
        if scheme not in known or known[scheme].__module__.rpartition(".")[2] in LOCAL:
            return None
        try:
            return Apprise.instantiate(url, asset=self._asset, suppress_exceptions=False)
        except (TypeError, ValueError, AttributeError, KeyError):
            # Told in its own words it would repeat what may be a password.
            return None

    def _answer(self, letter: Letter, sent: Future[tuple[str, bool]]) -> None:
        error = sent.exception()
        problem, is_final = sent.result() if error is None else (f"The service failed: {type(error).__name__}.", False)
        line = json.dumps({"id": letter["id"], "problem": problem[:ERROR_LENGTH], "is_final": is_final})
        with self._lock:
            try:
                print(line, file=self._answers, flush=True)
            except BrokenPipeError:
                # Whoever asked is gone, and will ask again for what was not answered.
                os._exit(1)


def main() -> None:
    """Send what stands on stdin."""
    answers, sys.stdout = sys.stdout, sys.stderr
    told = json.load(sys.stdin)
    known = NotificationManager()  # type: ignore[no-untyped-call]
    known.load_modules()  # type: ignore[no-untyped-call]
    guard = Guard([ipaddress.ip_network(text) for text in told["networks"]], readable=[sys.prefix, sys.base_prefix])
    sender = Sender(guard, answers)
    guard.install()
    sender.send_all(told["letters"], is_check=told["is_check"])


if __name__ == "__main__":
    main()
