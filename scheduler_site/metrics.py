"""Figures for Prometheus, all of them read from rows when they are asked for.

No process counts for itself, so it does not matter which of several web processes answers, nor how often they
are started again. What it costs does not depend on how many jobs there are.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django_celery_beat.models import PeriodicTask
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import policy
from accounts.authentication import SiteAuthentication
from hosts.models import HostState, Ownership
from jobs.execution.ownership import LEASE
from jobs.measures.figures import host_figures, part_figures
from jobs.models import Engine, JobState, Outcome, Queue, Tally
from jobs.tallies.totals import totals
from jobs.tallies.triggers import ABOVE, BUCKETS
from scheduler_site.records import database_time, moment, query

Totals = Mapping[tuple[int, str], int]

# One look into a partial index for each queue.
OLDEST: Final = """
    SELECT q.name, (SELECT MIN(ready_at) FROM jobs_job j WHERE j.queue_id = q.id AND j.state = 'ready')
    FROM jobs_queue q
"""
READER: Final = "metrics"


class MetricsToken(BaseAuthentication):
    """The one token of BATCHYARD_METRICS_TOKEN, which opens nothing else."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        expected = settings.BATCHYARD_METRICS_TOKEN
        if scheme.lower() != "bearer" or not expected:
            return None
        if not hmac.compare_digest(given.strip().encode(), expected.encode()):
            raise AuthenticationFailed("This token is not the one of BATCHYARD_METRICS_TOKEN.")
        return AnonymousUser(), READER

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MayReadMetrics(BasePermission):
    """Whoever has the site's metrics token, and superusers: the figures name all queues and hosts."""

    message = "Only superusers and the holder of BATCHYARD_METRICS_TOKEN may read the metrics."

    def has_permission(self, request: Request, view: APIView) -> bool:
        user: Any = request.user
        return request.auth == READER or policy.is_super(user)


class MetricsView(APIView):
    """The page that Prometheus scrapes."""

    authentication_classes = (MetricsToken, SiteAuthentication)
    permission_classes = (MayReadMetrics,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        registry = CollectorRegistry()
        registry.register(SiteCollector())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


metrics = MetricsView.as_view()


class SiteCollector(Collector):
    """Reads everything once for each scrape."""

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: otherwise registering would read it all once more."""
        return []

    def collect(self) -> Iterator[Metric]:
        found, now = totals(), database_time()
        names = dict(Queue.objects.values_list("pk", "name"))
        yield from _jobs(found, names, now)
        yield from _waits(found, names)
        yield from _engines(now)
        yield from _hosts(now)
        yield from _processes(found[Tally.Kind.ANSWERS])
        yield _count("output_bytes", "Bytes of output taken in from hosts.", found[Tally.Kind.BYTES].get((0, ""), 0))


def _jobs(found: Mapping[str, Totals], names: Mapping[int, str], now: datetime) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("batchyard_jobs", "Jobs by queue and state.", labels=["queue", "state"])
    starts = CounterMetricFamily("batchyard_attempt_starts", "Attempts begun.", labels=["queue"])
    ends = CounterMetricFamily("batchyard_attempt_ends", "Attempts ended.", labels=["queue", "outcome"])
    for queue, name in names.items():
        for state in JobState.values:
            jobs.add_metric([name, state], found[Tally.Kind.JOBS].get((queue, state), 0))
        starts.add_metric([name], found[Tally.Kind.STARTS].get((queue, ""), 0))
        for outcome in Outcome.values:
            ends.add_metric([name, outcome], found[Tally.Kind.ENDS].get((queue, outcome), 0))
    yield from (jobs, starts, ends, _oldest(now))


def _oldest(now: datetime) -> Metric:
    told = "Seconds for which the job that has been ready longest has been so; 0: none is ready."
    oldest = GaugeMetricFamily("batchyard_oldest_ready_seconds", told, labels=["queue"])
    for name, value in query(OLDEST):
        since = moment(datetime.fromisoformat(value) if isinstance(value, str) else value)
        oldest.add_metric([name], max(0.0, (now - since).total_seconds()) if since else 0.0)
    return oldest


def _waits(found: Mapping[str, Totals], names: Mapping[int, str]) -> Iterator[Metric]:
    told = "From the moment a job became ready until its command began."
    waited = HistogramMetricFamily("batchyard_dispatch_seconds", told, labels=["queue"])
    for queue, name in names.items():
        sum_us = found[Tally.Kind.WAITED_MICROSECONDS].get((queue, ""), 0)
        waited.add_metric([name], _buckets(found[Tally.Kind.WAITED], queue), sum_value=sum_us / 1e6)
    told = "From the end of a command on its host until its row said so."
    sum_us = found[Tally.Kind.NOTICED_MICROSECONDS].get((0, ""), 0)
    noticed = HistogramMetricFamily("batchyard_watch_lag_seconds", told)
    noticed.add_metric([], _buckets(found[Tally.Kind.NOTICED], 0), sum_value=sum_us / 1e6)
    told = "From the begin of a command until its end."
    ran = HistogramMetricFamily("batchyard_run_seconds", told, labels=["queue"])
    for queue, name in names.items():
        sum_us = found[Tally.Kind.RUN_MICROSECONDS].get((queue, ""), 0)
        ran.add_metric([name], _buckets(found[Tally.Kind.RUN], queue), sum_value=sum_us / 1e6)
    yield from (waited, noticed, ran)


def _buckets(counts: Totals, queue: int) -> list[tuple[str, float]]:
    """Prometheus counts in each bucket what is in the smaller ones as well."""
    buckets, sum_so_far = [], 0
    for bound in (*BUCKETS, ABOVE):
        sum_so_far += counts.get((queue, bound), 0)
        buckets.append((bound, float(sum_so_far)))
    return buckets


def _engines(now: datetime) -> Iterator[Metric]:
    told = "Seconds since the engine reported itself, by the database's clock."
    seen = GaugeMetricFamily("batchyard_engine_seen_seconds", told, labels=["engine"])
    for name, seen_at in Engine.objects.values_list("name", "seen_at"):
        seen.add_metric([name], (now - seen_at).total_seconds())
    yield seen
    beats = PeriodicTask.objects.filter(name="tick").values_list("last_run_at", flat=True)
    told = "Seconds since beat wrote down that it ticks; it does so every half minute."
    beat = GaugeMetricFamily("batchyard_beat_seen_seconds", told, labels=[])
    for last in beats:
        if last is not None:
            beat.add_metric([], (now - last).total_seconds())
    yield beat


def _hosts(now: datetime) -> Iterator[Metric]:
    state = GaugeMetricFamily("batchyard_host_state", "1 for the state that a host is in.", labels=["host", "state"])
    seats = GaugeMetricFamily("batchyard_host_seats", "Seats of a host.", labels=["host"])
    taken = GaugeMetricFamily("batchyard_host_seats_taken", "Seats that jobs have.", labels=["host"])
    told = "Seconds since the engine that owns a host renewed its lease; over 15 it has lost it."
    lease = GaugeMetricFamily("batchyard_host_lease_seconds", told, labels=["host"])
    owned = dict(Ownership.objects.exclude(owner="").values_list("host_id", "expires_at"))
    for host in host_figures():
        for value in HostState.values:
            state.add_metric([host.name, value], float(host.state == value))
        seats.add_metric([host.name], host.seats)
        taken.add_metric([host.name], host.taken)
        if host.pk in owned:
            lease.add_metric([host.name], (now - owned[host.pk] + LEASE).total_seconds())
    yield from (state, seats, taken, lease)


def _processes(answers: Totals) -> Iterator[Metric]:
    given = CounterMetricFamily("batchyard_http_answers", "Answers of web processes, by kind.", labels=["kind"])
    for (_nothing, kind), count in sorted(answers.items()):
        given.add_metric([kind], count)
    told = "Processes of a part of the site that have reported lately."
    processes = GaugeMetricFamily("batchyard_processes", told, labels=["part"])
    memory = GaugeMetricFamily("batchyard_memory_bytes", "Memory that they use together.", labels=["part"])
    for part in part_figures():
        processes.add_metric([part.part], part.processes)
        memory.add_metric([part.part], part.memory_bytes)
    yield from (given, processes, memory)


def _count(name: str, told: str, value: float) -> Metric:
    return CounterMetricFamily(f"batchyard_{name}", told, value=value)
