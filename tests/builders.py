"""Rows for tests. Everything that a test does not say is the simplest thing that works."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, time
from typing import Any

from accounts.models import Grant, User
from hosts.models import Host, HostState, Pool, PoolMember, TransportKind
from jobs.models import Job, JobType, Parameter, Queue, Schedule, Window
from jobs.queueing.submit import Request, submit

MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NIGHT = {"weekdays": [4], "begin": time(22), "end": time(6)}

_numbers = itertools.count(1)


def make_user(name: str = "alice", **fields: Any) -> User:
    user, made = User.objects.get_or_create(username=name, defaults=fields)
    if made:
        user.set_password("correct horse battery staple")
        user.save(update_fields=["password"])
    return user


def grant(user: User, *permissions: str, **limits: Any) -> User:
    """`user`, read anew, with these permissions: anywhere, or within `limits` (rows, or is_default_host)."""
    for permission in permissions:
        Grant.objects.create(user=user, permission=permission, **limits)
    return User.objects.get(pk=user.pk)


def make_host(name: str = "localhost", **fields: Any) -> Host:
    defaults = {"transport": TransportKind.LOCAL, "state": HostState.ON, "seats": 4}
    host, _made = Host.objects.get_or_create(name=name, defaults={**defaults, **fields})
    return host


def make_pool(name: str, *hosts: Host) -> Pool:
    pool = Pool.objects.create(name=name)
    for position, host in enumerate(hosts):
        PoolMember.objects.create(pool=pool, host=host, position=position)
    return pool


def make_schedule(
    name: str = "nights", *, zone: str = "UTC", windows: tuple[dict[str, Any], ...] = (NIGHT,)
) -> Schedule:
    schedule = Schedule.objects.create(name=name, zone=zone)
    for window in windows:
        Window.objects.create(schedule=schedule, **window)
    return schedule


def make_queue(name: str = "anytime", **fields: Any) -> Queue:
    queue, _made = Queue.objects.get_or_create(name=name, defaults=fields)
    return queue


def make_type(
    name: str = "command",
    *,
    template: str = "exec sh -c -- $command",
    params: tuple[str, ...] = ("command",),
    **fields: Any,
) -> JobType:
    kind, made = JobType.objects.get_or_create(name=name, defaults={"template": template, **fields})
    if made:
        for position, parameter in enumerate(params):
            Parameter.objects.create(job_type=kind, name=parameter, type=Parameter.Type.STRING, position=position)
    return kind


def make_job(
    command: str = "true", *, queue: str = "anytime", type: str = "command", at: datetime = MONDAY_NOON, **request: Any
) -> Job:
    """A submitted job; its queue, type, host and owner are made if they are missing."""
    make_host()
    make_queue(queue)
    make_type(type)
    request.setdefault("params", {"command": command} if type == "command" else {})
    owner = request.pop("owner", None) or make_user()
    key = request.pop("idempotency_key", None)
    return submit(Request(queue=queue, type=type, **request), owner=owner, at=at, idempotency_key=key)
