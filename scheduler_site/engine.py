"""Runs an engine of the site: a Celery worker, started without Celery's command line.

That imports what makes a shell comfortable, and an engine would carry it along for as long as it runs.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from scheduler_site.celery import app


def engine(*, has_beat: bool) -> Any:
    """One that has not been started, with beat in a thread of it or without."""
    # `manage.py serve` has made Django's checks; they would import every page there is.
    os.environ["CELERY_SKIP_CHECKS"] = "yes"
    return app.Worker(
        hostname=f"engine-{os.getpid()}@{socket.gethostname()}",
        loglevel="INFO",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        beat_thread=has_beat,
    )


def main(argv: Sequence[str]) -> int:
    """Work until TERM or INT. The exit status."""
    parser = argparse.ArgumentParser(prog="python -m scheduler_site.engine")
    parser.add_argument("--beat-thread", action="store_true", help="run beat in a thread of this engine")
    options = parser.parse_args(argv)
    # Celery warns of root because of pickled messages; here they are JSON.
    warnings.filterwarnings("ignore", "You're running the worker with superuser")
    worker = engine(has_beat=options.beat_thread)
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
