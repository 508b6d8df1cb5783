from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from jobs.config.seed import ADMIN, COMMAND, QUEUE
from jobs.dispatch.explain import explain
from jobs.execution.outputs import output_store
from jobs.execution.store import OutputStore, Sizes
from jobs.models import Attempt, Job, JobState
from jobs.problems import Problems
from jobs.queueing.submit import Request, submit

GREETING: Final = 'echo "Hello from $(uname -n). It is $(date)."'
LOOK_SECONDS: Final = 0.1
CHUNK_BYTES: Final = 64 << 10


class Command(BaseCommand):
    help = "Submits a job that says hello if the site has no job yet, waits for its end and shows its output."
    pause: Callable[[float], None] = staticmethod(time.sleep)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--again", action="store_true", help="also if the site has jobs")
        parser.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="at most so long (60)")

    def handle(self, *args: Any, again: bool, wait: float, **options: Any) -> None:
        if Job.objects.exists() and not again:
            return
        job = submit_greeting(at=timezone.now())
        self.stdout.write(f"Job {job.pk}: {GREETING}")
        wait_for_end(job, wait_seconds=wait, pause=self.pause)
        self.stdout.write(f"Job {job.pk} is {job.state}.{f' {job.reason}' if job.reason else ''}")
        attempt = job.attempts.last()
        if attempt is not None:
            self.stdout.write(written_by(attempt, store=output_store()))
        if job.state != JobState.SUCCEEDED:
            raise CommandError(why_not(job, attempt, wait_seconds=wait, at=timezone.now()))


def submit_greeting(*, at: datetime) -> Job:
    """The greeting, in the queue. Raises CommandError if the site lacks what it needs."""
    owner = User.objects.filter(username=ADMIN).first() or User.objects.filter(is_superuser=True).first()
    if owner is None:
        raise CommandError(f'There is no account "{ADMIN}" to submit a job. Make it: manage.py first_start')
    try:
        return submit(Request(queue=QUEUE, type=COMMAND, params={"command": GREETING}), owner=owner, at=at)
    except Problems as found:
        raise CommandError(f"The first job is not possible here: {found}") from found


def wait_for_end(job: Job, *, wait_seconds: float, pause: Callable[[float], None]) -> bool:
    """Look at `job`, refreshed each time, until it has ended. False if it has not after `wait_seconds`."""
    deadline = time.monotonic() + wait_seconds
    while not JobState(job.state).is_final:
        if time.monotonic() >= deadline:
            return False
        pause(LOOK_SECONDS)
        job.refresh_from_db()
    return True


def written_by(attempt: Attempt, *, store: OutputStore) -> str:
    """All that the attempt wrote, both streams in order of arrival."""
    sizes = Sizes(**{output.stream: output.size_bytes for output in attempt.outputs.all()})
    data = bytearray()
    while chunk := store.read(attempt.pk, "both", sizes=sizes, offset=len(data), limit_bytes=CHUNK_BYTES).data:
        data += chunk
    return data.decode("utf-8", "replace").rstrip("\n")


def why_not(job: Job, attempt: Attempt | None, *, wait_seconds: float, at: datetime) -> str:
    """Why the job has not succeeded, in words, and what to look at."""
    if JobState(job.state).is_final:
        return f"Job {job.pk} has not succeeded."
    waited = f"Job {job.pk} has not ended after {wait_seconds:g} s"
    if job.state == JobState.RUNNING and attempt is not None:
        return f'{waited}: it is on host "{attempt.host.name}" ({attempt.get_phase_display()}).'
    blockers = explain(job, at=at)
    if blockers:
        return f"{waited}: {' '.join(blocker.message for blocker in blockers)}"
    return f"{waited}: it may start, and no engine starts it. Is one running? manage.py serve engine"
