"""This machine is another one for each engine that runs elsewhere: where the runs of a local host are kept."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from hosts.models import Host, Ownership, TransportKind
from jobs.execution import ownership
from jobs.execution.connect import Line
from jobs.execution.ownership import Grip
from jobs.models import Attempt

ID_BYTES: Final = 64


class Elsewhere(Exception):
    """A local host has runs, and they are not kept where this engine is."""


@transaction.atomic
def check_place(host: Host, line: Line, grip: Grip) -> None:
    """Make sure that what we look at is where the host's runs are. Raises Elsewhere.

    Without it an engine on another machine, or with another data directory, would find none of them and
    take them for lost. A host without runs may change its place.
    """
    if host.transport != TransportKind.LOCAL:
        return
    found = line.transport.read(f"{line.hello.directory}/id", offset=0, limit_bytes=ID_BYTES).decode().strip()
    ownership.check(grip)
    mine = Ownership.objects.filter(host=host)
    known = mine.values_list("place", flat=True).get()
    if known == found:
        return
    if known and Attempt.objects.filter(host=host, finished_at=None, script__isnull=False).exists():
        raise Elsewhere(
            f"Its runs are not kept in {line.hello.directory}: an engine where they are has to go on. "
            "After a restore `manage.py restored` gives them up."
        )
    mine.update(place=found, journal_offset=0)


def forget_places() -> int:
    """Let the next engine take local hosts for its own, wherever it is. How many."""
    return Ownership.objects.filter(host__transport=TransportKind.LOCAL).exclude(place="").update(place="")
