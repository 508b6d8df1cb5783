"""What a new site begins with: somebody who may log in, and all that a first job needs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.audit import record
from accounts.models import User
from hosts.models import Host, TransportKind
from jobs.models import JobType, Parameter, Queue, Schedule, Site

ADMIN: Final = "admin"
SCHEDULE: Final = "anytime"
QUEUE: Final = "default"
HOST: Final = "localhost"
COMMAND: Final = "command"
# The value reaches sh as an environment variable, never as text of the template.
COMMAND_TEMPLATE: Final = "exec sh -c -- $command"


@dataclass(frozen=True, slots=True)
class Seeded:
    """What this call made, by noun, and the password of the account if that is among it."""

    made: Mapping[str, str]
    password: str | None


def seed() -> Seeded:
    """Make of each kind of thing that the site has none of the one it begins with.

    What people have renamed or removed does not come back as long as something of its kind is left.
    Two processes that start at once take turns on the site's row: one of them makes everything.
    """
    # Hashing takes a while and belongs outside the transaction that others wait for.
    password = None if User.objects.exists() else secrets.token_urlsafe(12)
    hashed = make_password(password) if password else None
    with transaction.atomic():
        Site.objects.select_for_update().get(pk=Site.get().pk)
        made = _make_missing(hashed)
        if made:
            record("begin", kind="jobs.site", name="site", after=made)
    return Seeded(made, password if "account" in made else None)


def _make_missing(hashed: str | None) -> dict[str, str]:
    made: dict[str, str] = {}
    if hashed is not None and not User.objects.exists():
        User.objects.create(username=ADMIN, password=hashed, is_staff=True, is_superuser=True)
        made["account"] = ADMIN
    if not Host.objects.exists():
        Host.objects.create(name=HOST, transport=TransportKind.LOCAL, seats=_processors())
        made["host"] = HOST
    if not Schedule.objects.exists():
        Schedule.objects.create(name=SCHEDULE, title="At any time")
        made["schedule"] = SCHEDULE
    if not Queue.objects.exists():
        Queue.objects.create(name=QUEUE, title="Default", schedule=Schedule.objects.filter(name=SCHEDULE).first())
        made["queue"] = QUEUE
    if not JobType.objects.exists():
        kind = JobType.objects.create(name=COMMAND, title="Command", template=COMMAND_TEMPLATE)
        Parameter.objects.create(job_type=kind, name="command", title="Command", required=True)
        made["job type"] = COMMAND
    return made


def _processors() -> int:
    """How many processors this process may use: in a container, fewer than the machine has."""
    return max(1, len(os.sched_getaffinity(0)))


def told(made: Mapping[str, str]) -> Sequence[str]:
    """One phrase for each thing that was made: `queue "default"`."""
    return [f'{noun} "{name}"' for noun, name in made.items()]
