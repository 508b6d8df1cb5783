"""Beat as a thread of an engine. Celery's own `-B` is a process more."""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.beat import EmbeddedService


class BeatThread(bootsteps.StartStopStep):
    """Runs beat in a thread while the worker runs."""

    label = "Beat thread"
    conditional = True

    def __init__(self, worker: Any, beat_thread: bool = False, **options: Any) -> None:
        self.enabled = beat_thread
        super().__init__(worker, **options)

    def create(self, worker: Any) -> Any:
        """The service that the worker starts and stops."""
        return EmbeddedService(worker.app, thread=True, scheduler_cls=worker.app.conf.beat_scheduler)
