"""Lets letters be sent by a process of its own, within a time."""

from __future__ import annotations

import json
import logging
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final

from django.conf import settings

logger = logging.getLogger(__name__)

SEND_SECONDS: Final = 20.0
CHECK_SECONDS: Final = 20.0
MODULE: Final = "jobs.notices.sender"
# Neither proxies nor the site's own secrets: what leads elsewhere would get around the guard.
KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
READ_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one address. `id` names it in the answer."""

    id: int
    url: str
    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a letter: an empty problem means that the service took it. `is_final`: no use to try again."""

    id: int
    problem: str
    is_final: bool


def send(letters: Sequence[Letter]) -> Iterator[Answer]:
    """The answers as they come. Letters of which nothing is known after `SEND_SECONDS` have none."""
    yield from _answers(letters, is_check=False, seconds=SEND_SECONDS)


def means_a_service(url: str) -> bool:
    """Whether there is a service to which `url` leads. Asks nobody outside."""
    answers = list(_answers([Letter(0, url)], is_check=True, seconds=CHECK_SECONDS))
    return bool(answers) and not answers[0].problem


def _answers(letters: Sequence[Letter], *, is_check: bool, seconds: float) -> Iterator[Answer]:
    told = {
        "networks": [str(network) for network in settings.BATCHYARD_NOTIFY_NETWORKS],
        "letters": [asdict(letter) for letter in letters],
        "is_check": is_check,
    }
    deadline = time.monotonic() + seconds
    with _process() as process:
        for line in _lines(process, json.dumps(told).encode(), deadline):
            answer = json.loads(line)
            yield Answer(answer["id"], answer["problem"], answer["is_final"])


@contextmanager
def _process() -> Iterator[subprocess.Popen[bytes]]:
    """A sender, which is gone afterwards, whatever it was doing."""
    process = subprocess.Popen(
        [sys.executable, "-B", "-W", "ignore", "-m", MODULE],
        cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={name: os.environ[name] for name in KEPT if name in os.environ},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        status = process.wait()
        logger.debug("the sender ended with %s", status)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _lines(process: subprocess.Popen[bytes], told: bytes, deadline: float) -> Iterator[bytes]:
    """What the process says until it ends or the deadline has come."""
    assert process.stdin is not None  # noqa: S101  (both are pipes)
    assert process.stdout is not None  # noqa: S101
    try:
        # It reads all of it before it does anything else.
        process.stdin.write(told)
        process.stdin.close()
    except BrokenPipeError:
        logger.warning("the sender has ended before it was told anything")
        return
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            piece = os.read(process.stdout.fileno(), READ_BYTES)
            if not piece:
                return
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
    logger.warning("the sender was stopped: services have not answered in time")
