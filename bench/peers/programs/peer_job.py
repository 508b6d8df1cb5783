"""What every peer runs for a job: the same program, and one byte that tells of its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

DONE = os.environ.get("PEER_DONE", "")


def run() -> None:
    """Run `true`, then tell."""
    subprocess.run(["true"], check=True)
    descriptor = os.open(DONE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, b".")
    os.close(descriptor)


def submit_as_told(submit: Callable[[], object]) -> None:
    """For each line, a count, submit so many jobs and answer: what is measured is not the start of this program."""
    for line in sys.stdin:
        for _ in range(int(line)):
            submit()
        print("submitted", flush=True)  # noqa: T201  (the answer)
