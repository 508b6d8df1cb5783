"""procrastinate over PostgreSQL. `python peer_procrastinate.py` submits as it is told."""

from __future__ import annotations

import os

import procrastinate
from peer_job import run, submit_as_told

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["PEER_POSTGRES"]))


@app.task(name="job")
def job() -> None:
    run()


if __name__ == "__main__":
    line = procrastinate.SyncPsycopgConnector(conninfo=os.environ["PEER_POSTGRES"])
    with app.replace_connector(line) as sender, sender.open():
        submit_as_told(lambda: sender.configure_task("job").defer())
