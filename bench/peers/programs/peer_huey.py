"""huey over Redis. `python peer_huey.py` submits as it is told."""

from __future__ import annotations

import importlib
import os

from huey import RedisHuey
from peer_job import run, submit_as_told

huey = RedisHuey("peer", url=f"unix://{os.environ['PEER_REDIS']}")


@huey.task()
def job() -> None:
    run()


if __name__ == "__main__":
    # By the name under which the consumer knows it.
    submit_as_told(importlib.import_module("peer_huey").job)
