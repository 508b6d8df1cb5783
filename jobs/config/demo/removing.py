"""Takes the example off the site, and leaves what people have put beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from django.conf import settings

from hosts.definitions import HostInUse
from hosts.definitions import remove as remove_host
from hosts.models import Host
from jobs.config.demo import sshd
from jobs.config.demo.inputs import folder
from jobs.config.demo.kinds import HOST, NAMES, QUEUES, SCHEDULE
from jobs.config.demo.loading import directory, server_directory
from jobs.config.removal import remove_job, remove_job_type, remove_queue, remove_schedule
from jobs.models import Job, JobState, JobType, Queue, Schedule
from jobs.problems import Refused


def remove() -> list[str]:
    """Remove the jobs, definitions, files and server of the example; in words, what stays because it is in use.

    Raises Refused, nothing removed, while one of its jobs runs.
    """
    jobs = Job.objects.filter(type__name__in=NAMES)
    running = list(jobs.filter(state=JobState.RUNNING).values_list("pk", flat=True))
    if running:
        listed = ", ".join(map(str, running))
        raise Refused(f"Jobs of the example are running: {listed}.", hint="Let them end, or cancel them, first.")
    for job in jobs:
        remove_job(job)
    stays = [reason for step in _steps() if (reason := _refusal(step))]
    sshd.stop(server_directory())
    for path in (folder(), directory()):
        shutil.rmtree(path, ignore_errors=True)
    for name in (HOST, f"{HOST}.pub"):
        (Path(settings.BATCHYARD_KEY_DIR) / name).unlink(missing_ok=True)
    return stays


def _steps() -> Iterator[Callable[[], None]]:
    """One for each definition, what is used after what uses it."""
    for kind in JobType.objects.filter(name__in=NAMES):
        yield partial(remove_job_type, kind)
    for told in QUEUES:
        # A queue of this name with another title is somebody's own.
        for queue in Queue.objects.filter(name=told["name"], title=told["title"]):
            yield partial(remove_queue, queue)
    for schedule in Schedule.objects.filter(name=SCHEDULE):
        yield partial(remove_schedule, schedule)
    for host in Host.objects.filter(name=HOST):
        yield partial(remove_host, host)


def _refusal(step: Callable[[], None]) -> str:
    try:
        step()
    except (Refused, HostInUse) as problem:
        return str(problem)
    return ""
