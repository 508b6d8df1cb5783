"""Counts the answers of this process, and reports them with the memory it uses every so often."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse

from jobs.measures.reporting import report_web

logger = logging.getLogger(__name__)

REPORT_SECONDS: Final = 30.0

Answer = Callable[[HttpRequest], HttpResponse]


class Answers:
    """What this process has answered and not reported yet, by kind: 2xx, 4xx and so on."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, answer: HttpResponse) -> HttpResponse:
        """The answer, counted."""
        with self._lock:
            self._counts[f"{answer.status_code // 100}xx"] += 1
        return answer

    def report(self, name: str) -> None:
        """Write them down; what cannot be written now is kept for the next time."""
        with self._lock:
            told, self._counts = self._counts, Counter()
        try:
            report_web(name, told)
        except (DatabaseError, InterfaceError) as problem:
            logger.warning("the database does not answer (%s); answers are reported later", problem)
            connection.close()
            with self._lock:
                self._counts.update(told)


answers: Final = Answers()


def counted(get_response: Answer) -> Answer:
    """Counts each answer. Asks nothing of the database."""

    def answer(request: HttpRequest) -> HttpResponse:
        return answers.count(get_response(request))

    return answer


class Reporter(threading.Thread):
    """Reports for as long as the process lives. What it has not reported then is lost."""

    def __init__(self) -> None:
        super().__init__(name="reporter", daemon=True)
        self._process = f"{socket.gethostname()[:60]}.{os.getpid()}.{secrets.token_hex(3)}"

    def run(self) -> None:
        pause = threading.Event()
        while not pause.wait(REPORT_SECONDS):
            answers.report(self._process)
