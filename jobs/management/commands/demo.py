from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from jobs.config import demo
from jobs.execution.clock import now
from jobs.problems import Problems


class Command(BaseCommand):
    help = "Load a small living example: two queues, three job types, four jobs."

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if owner is None:
            raise CommandError("The site has no account yet. Start it once: make run")
        try:
            jobs = demo.load(owner, at=now())
        except Problems as problem:
            raise CommandError(str(problem)) from problem
        for job in jobs:
            self.stdout.write(f'Job {job.pk}: {job.type.name} in queue "{job.queue.name}", {job.state}.')
