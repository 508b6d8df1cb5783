"""Figures as they are now, under batchd's names. What was measured before is told by the site's own API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from accounts.models import User
from hosts.models import Host, Lease
from jobs.compat.batchd.edge import BatchdView
from jobs.compat.batchd.shapes import utc
from jobs.compat.batchd.words import STATUSES, jobs_by_status
from jobs.models import Job, Queue
from scheduler_site.api.views import caller

Figures = Mapping[str, int | str]


def figures(user: User) -> dict[str, int | str]:
    """Numbers, and the states of hosts, by name: of the queues, jobs and hosts that `user` may see."""
    return {**dict(_jobs(user)), **dict(_hosts(user))}


def _jobs(user: User) -> Iterator[tuple[str, int]]:
    queues = dict(policy.visible(user, Queue.objects.order_by("name")).values_list("pk", "name"))
    rows = policy.visible(user, Job.objects.filter(queue__in=queues))
    counts = jobs_by_status(rows, policy.jobs_by_state(user, list(queues)))
    words = [word.lower() for word in STATUSES]
    for word in words:
        yield f"batchd.jobs.{word}", sum(told.get(word, 0) for told in counts.values())
    for pk, name in queues.items():
        yield from ((f"batchd.queue.{name}.jobs.{word}", counts.get(pk, {}).get(word, 0)) for word in words)


def _hosts(user: User) -> Iterator[tuple[str, int | str]]:
    taken = Counter(Lease.objects.filter(released_at=None).values_list("host_id", flat=True))
    hosts = list(policy.visible(user, Host.objects.order_by("name")))
    for host in hosts:
        jobs = taken[host.pk]
        yield f"batchd.host.{host}.jobs", jobs
        yield f"batchd.host.{host}.status", "Busy" if jobs >= host.seats else "Active" if jobs else "Free"
    yield "batchd.hosts.active", sum(1 for host in hosts if taken[host.pk])
    yield "batchd.hosts.busy", sum(1 for host in hosts if taken[host.pk] >= host.seats)


class CurrentView(BatchdView):
    """The figures whose names begin with a prefix: a list."""

    def get(self, request: Request, prefix: str = "") -> Response:
        return Response(self.told(_beginning(figures(caller(request)), prefix)))

    def told(self, found: Figures) -> Any:
        at = utc(timezone.now())
        return [_record(name, value, at) for name, value in found.items()]


class CurrentTreeView(CurrentView):
    """The same as objects in objects, one for each part of the names."""

    def told(self, found: Figures) -> Any:
        tree: dict[str, Any] = {}
        for name, value in found.items():
            *branches, leaf = name.split(".")
            place = tree
            for branch in branches:
                place = place.setdefault(branch, {})
            place[leaf] = {"type": _kind(value), "val": value}
        return tree


def _beginning(found: Figures, prefix: str) -> Figures:
    return {name: value for name, value in found.items() if name.startswith(prefix)}


def _kind(value: int | str) -> str:
    """A gauge or a label."""
    return "l" if isinstance(value, str) else "g"


def _record(name: str, value: int | str, at: str | None) -> dict[str, Any]:
    is_text = isinstance(value, str)
    rest = dict.fromkeys(("mean", "variance", "count", "sum", "min", "max"))
    told = {"name": name, "time": at, "daemon": "Both", "kind": _kind(value)}
    return {**told, "value": None if is_text else value, "text": value if is_text else None, **rest}
