"""Celery over Redis, results in Redis. `python peer_celery.py` submits as it is told."""

from __future__ import annotations

import os

from celery import Celery
from peer_job import run, submit_as_told

SOCKET = os.environ["PEER_REDIS"]
app = Celery("peer_celery", broker=f"redis+socket://{SOCKET}", backend=f"redis+socket://{SOCKET}")


@app.task(name="job")
def job() -> None:
    run()


if __name__ == "__main__":
    submit_as_told(lambda: app.send_task("job"))
