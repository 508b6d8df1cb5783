"""Waits for jobs: silently, or showing what they write."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

import typer

from yard.clean import Cleaner
from yard.failures import FAILED, INTERRUPTED, NO_EXIT_CODE, Unreachable
from yard.follow import GIVE_UP_SECONDS, events, is_final
from yard.session import Session

FIRST_SECONDS: Final = 0.2
LONGEST_SECONDS: Final = 2.0


def wait(session: Session, job: int) -> dict[str, Any]:
    """The job, once it has ended. A site that is away for a while is waited for."""
    pause_seconds, seen_at = FIRST_SECONDS, time.monotonic()
    while True:
        try:
            told: dict[str, Any] = session.site.get(f"jobs/{job}")
            seen_at = time.monotonic()
            if told["finished_at"]:
                return told
        except Unreachable as error:
            if is_final(error) or time.monotonic() - seen_at > GIVE_UP_SECONDS:
                raise
        time.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 1.5, LONGEST_SECONDS)


def follow(session: Session, job: int, *, stream: str, attempt: int | None, is_raw: bool) -> str:
    """Show what the job writes until it ends. With --json nothing is shown and all of it is returned."""
    cleaner, kept = Cleaner(), list[str]()
    shown_attempt: int | None = None
    for event in events(session.site, job, stream=stream, attempt=attempt):
        if event.kind == "gap":
            session.out.note(f"(bytes {event.data['from']} to {event.data['to']} were dropped)")
        if event.kind != "output":
            continue
        if shown_attempt not in {None, event.data["attempt"]}:
            session.out.note(f"(attempt {event.data['attempt']})")
        shown_attempt = event.data["attempt"]
        text = str(event.data["data"])
        if session.out.is_json:
            kept.append(text)
        else:
            _write(text if is_raw else cleaner.take(text.encode("utf-8", "replace")), is_raw=is_raw)
    rest = cleaner.take(b"", is_last=True)
    session.out.write("" if session.out.is_json else rest)
    return "".join(kept)


def _write(text: str, *, is_raw: bool) -> None:
    if is_raw and hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    else:
        sys.stdout.write(text)
    sys.stdout.flush()


def left_alone(session: Session, job: int) -> typer.Exit:
    """What is told when somebody stops watching a job: it does not stop for that."""
    session.out.note(f"Job {job} goes on. To see it again: yard logs {job} --follow. To end it: yard job cancel {job}.")
    return typer.Exit(INTERRUPTED)


def status_of(job: dict[str, Any]) -> int:
    """The exit status that a finished job stands for: its own, 128 and the signal, or 125 if it has none."""
    if job["state"] == "succeeded":
        return 0
    attempts = job["attempts"]
    last = attempts[-1] if attempts else {}
    if job["state"] != "failed":
        return NO_EXIT_CODE
    if last.get("outcome") == "signalled" and last.get("signal"):
        return 128 + int(last["signal"])
    if last.get("outcome") == "exited" and job["exit_code"] is not None:
        return int(job["exit_code"]) or FAILED
    return NO_EXIT_CODE


def ending(job: dict[str, Any]) -> str:
    """How it ended, in one sentence."""
    code = "" if job["exit_code"] is None else f", exit code {job['exit_code']}"
    reason = f": {job['reason']}" if job["state"] != "succeeded" and job["reason"] else ""
    return f"Job {job['id']} {job['state']}{code}{reason}"
