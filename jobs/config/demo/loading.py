"""Loads the example: definitions once, files and the SSH server anew, and jobs that are not waiting or running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import User
from hosts.definitions import save_host
from hosts.models import Host, TransportKind
from hosts.transports.base import HostUnreachable
from jobs.config.definitions import define_job_type, define_queue, define_schedule
from jobs.config.demo import programs, sshd
from jobs.config.demo.inputs import write_inputs
from jobs.config.demo.kinds import HOST, KINDS, NIGHTS, QUEUES, Kind
from jobs.execution.connect import open_transport
from jobs.models import Job, JobType, Queue, Schedule
from jobs.queueing.submit import Request, submit_many

SEATS: Final = 2


@dataclass(frozen=True, slots=True)
class Loaded:
    """The jobs that are waiting, running or new; the kinds that are left out, each with the reason; the server."""

    jobs: Sequence[Job]
    left_out: Sequence[str]
    server: sshd.Server | None


def directory() -> Path:
    """Where the example keeps what is no file of a job."""
    return Path(settings.BATCHYARD_DATA_DIR) / "demo"


def server_directory() -> Path:
    """Where the SSH server keeps its keys, its configuration and its log."""
    return directory() / "sshd"


def load(owner: User, *, at: datetime) -> Loaded:
    """Make what is missing of the example and submit its jobs. Raises Problems."""
    server, reasons = None, {kind.name: reason for kind in KINDS if (reason := _missing_programs(kind))}
    for kind in KINDS:
        if kind.host == HOST and kind.name not in reasons:
            try:
                server = _serve(at=at)
            except sshd.CannotServe as problem:
                reasons[kind.name] = f"{problem} (log: {server_directory() / 'log'})"
    usable = [kind for kind in KINDS if kind.name not in reasons]
    _define(usable)
    write_inputs()
    left_out = [f"{kind.title} ({kind.name}): {reasons[kind.name]}" for kind in KINDS if kind.name in reasons]
    return Loaded(_submit(usable, owner=owner, at=at), left_out, server)


def _missing_programs(kind: Kind) -> str:
    """What to install, in words; "" if nothing."""
    missing = {name: package for name, package in kind.programs.items() if programs.path_of(name) is None}
    if not missing:
        return ""
    return f"{', '.join(missing)} is missing. On Debian: apt-get install {' '.join(missing.values())}"


def _serve(*, at: datetime) -> sshd.Server:
    """The server, running, and its host in the site. Raises CannotServe, also if nobody can log in."""
    key = Path(settings.BATCHYARD_KEY_DIR) / HOST
    server = sshd.start(server_directory(), client_key=key, at=at)
    host = Host.objects.filter(name=HOST).first() or Host(name=HOST, seats=SEATS)
    host.transport, host.address, host.port, host.user = TransportKind.SSH, sshd.ADDRESS, server.port, server.user
    host.key, host.host_keys, host.directory = HOST, " ".join(server.host_key.split()[:2]), str(directory() / "host")
    try:
        open_transport(host).close()
        save_host(host)
    except (HostUnreachable, ValidationError) as problem:
        said = sshd.last_line(server_directory())
        sshd.stop(server_directory())
        raise sshd.CannotServe(f"Nobody can log in to it: {problem} It said: {said}") from problem
    return server


def _define(kinds: Sequence[Kind]) -> None:
    """The queues and their schedule if they are missing; the types as they are shipped."""
    if not Schedule.objects.filter(name=NIGHTS["name"]).exists():
        define_schedule(dict(NIGHTS))
    for queue in QUEUES:
        if not Queue.objects.filter(name=queue["name"]).exists():
            define_queue(dict(queue))
    for kind in kinds:
        define_job_type(kind.definition, kind=JobType.objects.filter(name=kind.name).first())


def _submit(kinds: Sequence[Kind], *, owner: User, at: datetime) -> list[Job]:
    """A job for each request, in their order: the one that has not ended yet, else a new one."""
    requests = [request for kind in kinds for request in kind.jobs]
    open_jobs = Job.objects.filter(finished_at=None, type__name__in=[kind.name for kind in kinds])
    found = {(job.queue.name, job.type.name, job.notes): job for job in open_jobs.select_related("queue", "type")}
    missing = [request for request in requests if _place(request) not in found]
    if missing:
        new = submit_many(missing, owner=owner, at=at)
        found |= {_place(request): job for request, job in zip(missing, new, strict=True)}
    return [found[_place(request)] for request in requests]


def _place(request: Request) -> tuple[str, str, str]:
    return request.queue, request.type, request.notes
