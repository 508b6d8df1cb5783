from __future__ import annotations

import fcntl
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from jobs.config.demo import sshd
from jobs.config.demo.inputs import folder
from jobs.config.demo.loading import Loaded, load, server_directory
from jobs.config.demo.removing import remove
from jobs.dispatch.explain import explain
from jobs.execution import presence
from jobs.models import Job
from jobs.problems import Problems, Refused
from scheduler_site.management.commands.serve import prepare

# They pass by themselves within seconds.
PASSING: Final = frozenset({"in_line", "no_free_seat"})


class Command(BaseCommand):
    help = "Load an example: four kinds of real work, two queues, and a private SSH server on loopback."

    def add_arguments(self, parser: ArgumentParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--stop", action="store_true", help="stop the example's SSH server, keep the rest")
        choice.add_argument("--remove", action="store_true", help="remove the example, its jobs and its results")

    def handle(self, *args: Any, **options: Any) -> None:
        with taking_turns():
            if options["stop"]:
                self._stop()
            elif options["remove"]:
                self._remove()
            else:
                self._load()

    def _stop(self) -> None:
        is_stopped = sshd.stop(server_directory())
        self.stdout.write("The SSH server is stopped." if is_stopped else "The SSH server does not run.")

    def _remove(self) -> None:
        prepare()
        try:
            stays = remove()
        except Refused as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write("The example is removed, and its SSH server stopped.")
        for reason in stays:
            self.stdout.write(f"Left: {reason}")

    def _load(self) -> None:
        prepare()
        owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if owner is None:
            raise CommandError("No active superuser is there to own the jobs. Make one: manage.py createsuperuser")
        try:
            loaded = load(owner, at=timezone.now())
        except Problems as problem:
            raise CommandError(str(problem)) from problem
        for line in told(loaded):
            self.stdout.write(line)


@contextmanager
def taking_turns() -> Iterator[None]:
    """One `demo` at a time."""
    settings.BATCHYARD_DATA_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.BATCHYARD_DATA_DIR / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def told(loaded: Loaded) -> Iterator[str]:
    """What was loaded, where to look, and how to take it away again."""
    yield from (line for job in loaded.jobs for line in _of_job(job))
    yield from (f"Left out: {reason}" for reason in loaded.left_out)
    if (server := loaded.server) is not None:
        yield ""
        yield (
            f"A private SSH server (pid {server.pid}) listens on {sshd.ADDRESS}, port {server.port}, for {server.user} "
            f"with a key of its own, until {server.until:%a %H:%M} UTC or: make demo-stop"
        )
    yield ""
    yield f"Results: {folder()}, and on the pages of the jobs."
    yield "Remove all of it: make demo-remove"
    if presence.alive():
        yield f"The site runs: {_site()}{reverse('jobs')}"
    else:
        yield "No engine runs yet, so the jobs wait. Start the site: make run"


def _of_job(job: Job) -> Iterator[str]:
    job.refresh_from_db()
    page = _site() + reverse("job", args=[job.pk])
    yield f"{page}  {job.notes} ({job.type.name}, queue {job.queue.name}): {job.get_state_display()}"
    for blocker in explain(job, at=timezone.now()):
        if blocker.kind not in PASSING:
            yield f"    {blocker.message}"


def _site() -> str:
    """Where this machine finds the site's pages."""
    bind = settings.BATCHYARD_BIND
    place = f"127.0.0.1:{bind.port}" if bind.is_wildcard else str(bind)
    return f"{'https' if settings.BATCHYARD_TLS else 'http'}://{place}"
