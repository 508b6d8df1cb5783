"""The conductor as a part of the Celery worker: starts and stops with it."""

from __future__ import annotations

from typing import Any, Final

from celery import bootsteps

from jobs.execution.conductor import Conductor
from jobs.queueing.bell import engine_queue

QUEUE_EXPIRES_SECONDS: Final = 600.0

_running: Conductor | None = None


class NoConductor(RuntimeError):
    """A task of the engine was run outside of an engine."""


def conductor() -> Conductor:
    """The conductor of this process. Raises NoConductor where none has been started."""
    if _running is None:
        raise NoConductor("This process is not an engine: start one with `manage.py serve engine`.")
    return _running


class ConductorStep(bootsteps.StartStopStep):
    """Runs one conductor per worker process."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        global _running
        _running = Conductor()
        _running.start()

    def stop(self, parent: Any) -> None:
        global _running
        if _running is not None:
            _running.stop()
            _running = None


class OwnQueueStep(bootsteps.StartStopStep):
    """Lets the worker also read the queue on which rings for its own hosts come."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        parent.add_task_queue(engine_queue(conductor().name), auto_delete=True, expires=QUEUE_EXPIRES_SECONDS)
