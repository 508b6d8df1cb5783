"""Everything that the site says of its jobs once it is quiet, taken by its API."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.lab.records import Ledger
from tests.lab.site import Answer
from tests.lab.yard import Lab

FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "skipped"})
PIECE_BYTES: Final = 1 << 20
TRIES: Final = 5
# What has been done is read however long the machine takes for it.
PATIENCE_SECONDS: Final = 300.0

logger = logging.getLogger("lab")


def all_jobs(lab: Lab) -> Iterator[dict[str, Any]]:
    """Every job there is, the newest first."""
    path = "jobs?page_size=500"
    while path:
        page = lab.site.call("GET", path, seconds=PATIENCE_SECONDS)
        yield from page["results"]
        path = page["next"].partition("/api/v1/")[2] if page["next"] else ""


def wait_for_quiet(lab: Lab, *, seconds: float) -> bool:
    """Whether every job has ended within `seconds`."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while any(job["state"] not in FINAL for job in all_jobs(lab)):
        if time.monotonic() > deadline:
            return False
        pause.wait(1)
    return True


def write(lab: Lab) -> None:
    """Jobs, their history, and what was kept of their output, into jobs.jsonl."""
    ledger = Ledger(lab.directory / "jobs.jsonl")
    ours = [job for job in all_jobs(lab) if job["type"] in {"oracle", "again"}]
    with ThreadPoolExecutor(4) as pool:
        for told in pool.map(lambda job: _with_evidence(lab, job), ours):
            ledger.write(**told)


def _with_evidence(lab: Lab, job: dict[str, Any]) -> dict[str, Any]:
    job["events"] = lab.site.call("GET", f"jobs/{job['id']}/events?page_size=200", seconds=PATIENCE_SECONDS)["results"]
    for attempt in job["attempts"]:
        attempt["output"] = _output(lab, job["id"], attempt["number"])
    return job


def _output(lab: Lab, job: int, attempt: int) -> dict[str, Any]:
    digest, offset = hashlib.sha256(), 0
    while True:
        path = f"/api/v1/jobs/{job}/output?stream=stdout&attempt={attempt}&offset={offset}&limit={PIECE_BYTES}"
        answer = _asked(lab, path)
        if answer.status != 200:
            return {"bytes": -1, "sha256": f"answered {answer.status} {answer.problem}"}
        if not answer.body:
            return {"bytes": offset, "sha256": digest.hexdigest()}
        digest.update(answer.body)
        offset += len(answer.body)


def _asked(lab: Lab, path: str) -> Answer:
    """An answer, for which a reader asks again a few times. What came in between is told."""
    pause = threading.Event()
    for _ in range(TRIES):
        begun = time.monotonic()
        answer = lab.site.ask("GET", path)
        if answer.status not in {0, 503}:
            break
        taken = time.monotonic() - begun
        logger.warning("    %s: %d %s after %.1f s", path, answer.status, answer.problem, taken)
        pause.wait(1)
    return answer
