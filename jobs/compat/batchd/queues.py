"""Queues and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import policy
from accounts.models import DEFAULT_HOST
from hosts.models import Host
from jobs.compat.batchd.edge import DONE, BatchdView, body_of, chosen, is_asked, needed, renamed, value_of
from jobs.compat.batchd.jobs import check_window, moment_of
from jobs.compat.batchd.shapes import job_json, job_rows, queue_json, type_json
from jobs.compat.batchd.words import LISTS, PARTS, jobs_by_status, listed
from jobs.config import definitions, removal
from jobs.models import Job, JobType, Queue, Schedule
from jobs.problems import Problem
from jobs.queueing.line import STEP
from jobs.queueing.submit import Request as Asked
from jobs.queueing.submit import submit
from scheduler_site.api.admission import check_room
from scheduler_site.api.views import caller

KEYS: Final[Mapping[str, str]] = {
    "name": "name",
    "title": "title",
    "enabled": "enabled",
    "schedule_name": "schedule",
    "host_name": "host",
    "autostart_job_count": "autostart_count",
}
# Means that queues are always open, whether or not there is a schedule of this name.
ANYTIME: Final = "anytime"
CLEARED: Final = "*"
# Of the column.
POSITION_LIMIT: Final = 2**63 - 1 - STEP
NO_HOSTS: Final = frozenset({"", CLEARED, DEFAULT_HOST})


def status_asked(request: Request) -> str:
    """The list that `?status=` asks for. Raises Problems."""
    return chosen(request.query_params.get("status", "new"), LISTS, code="unknown_status", field="status")


def _columns(request: Request, told: Mapping[str, Any]) -> dict[str, Any]:
    """What `told` says of a queue, in the site's own words. Null stands for "not said", but clears the autostart."""
    given = {key: value for key, value in renamed(told, KEYS).items() if value is not None or key == "autostart_count"}
    if given.get("host") in NO_HOSTS:
        given["host"] = None
    elif "host" in given:
        given["pool"] = None
    if given.get("schedule") == ANYTIME and not Schedule.objects.filter(name=ANYTIME).exists():
        given["schedule"] = None
    policy.check_names(caller(request), given, {"schedule": Schedule, "host": Host})
    return given


class QueuesView(BatchdView):
    """All queues that the caller may see."""

    def get(self, request: Request) -> Response:
        rows = policy.visible(caller(request), Queue.objects.select_related("schedule", "host").order_by("name"))
        return Response([queue_json(queue) for queue in rows])

    def post(self, request: Request) -> Response:
        """Make one; a name is enough."""
        policy.require(caller(request), "add", Queue)
        told = body_of(request)
        given = _columns(request, {"title": told.get("name"), **told})
        return Response(definitions.define_queue(given).name)


class QueueView(BatchdView):
    """One queue. What is posted to it is a job."""

    def get(self, request: Request, name: str) -> Response:
        return Response(queue_json(policy.queue_for(caller(request), name)))

    def put(self, request: Request, name: str) -> Response:
        """Change what is sent and nothing else."""
        queue = policy.queue_for(caller(request), name, verb="change")
        given = _columns(request, {**body_of(request), "name": None})
        definitions.define_queue(given, queue=queue)
        return Response(DONE)

    def delete(self, request: Request, name: str) -> Response:
        """Remove it if it is empty; forced, with its jobs. With a status, only its jobs in that status."""
        queue = policy.queue_for(caller(request), name, verb="delete")
        if "status" in request.query_params:
            removal.remove_jobs_of(queue, *PARTS[status_asked(request)])
        else:
            removal.remove_queue(queue, is_forced=is_asked(request, "forced"))
        return Response(DONE)

    def post(self, request: Request, name: str) -> Response:
        """Take a job in. Whatever it says of state, owner, place or number is ignored."""
        user = caller(request)
        policy.require(user, "add", Job)
        check_room()
        asked = job_asked(body_of(request), queue=name)
        policy.require_submission(user, [asked])
        queue = _queue_of_right(name)
        at = timezone.now()
        check_window(queue, asked.not_before)
        return Response(submit(asked, owner=user, at=at).pk)


def _queue_of_right(name: str) -> Queue:
    queue = Queue.objects.filter(name=name).first() if name.isprintable() else None
    if queue is None:
        raise policy.Missing(Problem("not_found", f'There is no queue "{name[:100]}".'))
    return queue


def job_asked(told: Mapping[str, Any], *, queue: str) -> Asked:
    """The job that batchd's JSON asks for. Raises Problems."""
    host = value_of(told, "host_name", str)
    return Asked(
        queue=queue,
        type=needed(told, "type", str),
        params=value_of(told, "params", dict) or {},
        host=None if host in NO_HOSTS else host,
        notes=value_of(told, "notes", str) or "",
        not_before=moment_of(told),
    )


class QueueJobsView(BatchdView):
    """The jobs of a queue, in the order of their line."""

    def get(self, request: Request, name: str) -> Response:
        queue = policy.queue_for(caller(request), name, of=Job)
        rows = policy.visible(caller(request), job_rows().filter(queue=queue))
        return Response([job_json(job) for job in listed(rows, status_asked(request))])


class QueuePlaceView(BatchdView):
    """A job by its place in a queue."""

    def delete(self, request: Request, name: str, seq: str) -> Response:
        queue = policy.queue_for(caller(request), name, verb="delete", of=Job)
        # What no position can be is not asked for: some databases would not take it.
        begin = max(-POSITION_LIMIT, min(int(seq) * STEP, POSITION_LIMIT))
        places = Job.objects.filter(queue=queue, position__gte=begin, position__lt=begin + STEP)
        job = places.order_by("position", "pk").first()
        if job is None:
            raise policy.Missing(Problem("not_found", f'There is no job with seq {seq} in queue "{name}".'))
        policy.require(caller(request), "delete", job)
        removal.remove_job(job)
        return Response(DONE)


class QueueTypesView(BatchdView):
    """The job types of which the caller may submit jobs here."""

    def get(self, request: Request, name: str) -> Response:
        queue = policy.queue_for(caller(request), name, verb="add", of=Job)
        rows = JobType.objects.select_related("host").prefetch_related("parameters").order_by("name")
        return Response([type_json(kind) for kind in policy.types_in(caller(request), queue, rows)])


class QueueHostsView(BatchdView):
    """The hosts that jobs of the caller may ask for here, of any type or of one."""

    def get(self, request: Request, name: str, kind: str | None = None) -> Response:
        user = caller(request)
        queue = policy.queue_for(user, name, verb="add", of=Job)
        if kind is None:
            return Response(policy.hosts_in(user, queue))
        rows = JobType.objects.filter(name=kind) if kind.isprintable() else JobType.objects.none()
        found = policy.types_in(user, queue, rows)
        if not found:
            raise PermissionDenied(f'You may not submit jobs of type "{kind[:100]}" to queue "{name[:100]}".')
        return Response(policy.hosts_in(user, queue, kind=found[0]))


class StatsView(BatchdView):
    """How many jobs each queue has in each status."""

    def get(self, request: Request) -> Response:
        user = caller(request)
        policy.require_everywhere(user, "change", Job)
        names = dict(Queue.objects.order_by("name").values_list("pk", "name"))
        counts = jobs_by_status(Job.objects.all(), policy.jobs_by_state(user, list(names)))
        return Response({name: counts.get(pk, {}) for pk, name in names.items()})


class QueueStatsView(BatchdView):
    """How many jobs one queue has in each status. Nothing is told of a queue that is not there."""

    def get(self, request: Request, name: str) -> Response:
        user = caller(request)
        try:
            queue = policy.queue_for(user, name, verb="change", of=Job)
        except policy.Missing:
            return Response({})
        rows = policy.visible(user, Job.objects.filter(queue=queue))
        return Response(jobs_by_status(rows, policy.jobs_by_state(user, [queue.pk])).get(queue.pk, {}))
