from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from jobs.dispatch.explain import explain
from jobs.models import Job, JobState

ID_LIMIT = 2**63


class Command(BaseCommand):
    help = "Says in sentences why a job waits, or what has become of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", type=int, help="the job's number")

    def handle(self, *args: Any, job: int, **options: Any) -> None:
        found = Job.objects.filter(pk=job).first() if 0 < job < ID_LIMIT else None
        if found is None:
            raise CommandError(f"There is no job {job}.")
        for sentence in sentences(found):
            self.stdout.write(sentence)


def sentences(job: Job) -> list[str]:
    """What is to be said of the job, the first sentence naming its state."""
    state = f"Job {job.pk} is {job.state}."
    if job.state not in {JobState.BLOCKED, JobState.READY}:
        return [state, *([job.reason] if job.reason else [])]
    blockers = explain(job, at=timezone.now())
    if not blockers:
        return [state, "Nothing keeps it from starting: an engine starts it at its next look."]
    return [state, *(blocker.message for blocker in blockers)]
