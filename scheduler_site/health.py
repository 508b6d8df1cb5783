"""Whether work can be done, part by part."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_celery_beat.models import PeriodicTask
from kombu.exceptions import OperationalError

from hosts.models import Host, HostState
from jobs.dispatch.clocks import nearest_engine
from jobs.execution import presence
from jobs.execution.schema import standing
from jobs.queueing.gates import CLOCK_LIMIT
from scheduler_site.api.admission import FREE_LIMIT_BYTES
from scheduler_site.records import database_time

Part = dict[str, Any]

# Without these nothing can run. A broker or beat that is down costs a second of latency, no more; a host that
# is away is told, but others may be there.
NEEDED: Final = frozenset({"database", "schema", "engine", "store"})
# Beat writes down every half minute that it lives.
BEAT_SILENCE: Final = timedelta(seconds=100)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when jobs can be taken in and run, else 503; each part says what is wrong with it. Open to anybody."""
    parts = {name: _checked(check) for name, check in CHECKS.items()}
    can_work = all(parts[name]["ok"] for name in NEEDED)
    status = "ok" if all(part["ok"] for part in parts.values()) else "degraded" if can_work else "failed"
    return JsonResponse({"status": status, "parts": parts}, status=200 if can_work else 503)


def _checked(check: Callable[[], Part]) -> Part:
    try:
        return check()
    except (DatabaseError, InterfaceError, OperationalError, OSError) as problem:
        # The kind only: the text can name addresses and accounts, and anybody may ask.
        return {"ok": False, "problem": type(problem).__name__}


def database() -> Part:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"ok": True}


def schema() -> Part:
    """Migrations that the database lacks, and those that it has from a newer version than this process."""
    found = standing()
    return {"ok": not found.missing, "missing": found.missing, "newer": found.newer}


def engine() -> Part:
    count, clock_off = presence.alive(), nearest_engine()
    told: Part = {"ok": count > 0 and abs(clock_off) <= CLOCK_LIMIT, "alive": count}
    return told if abs(clock_off) <= CLOCK_LIMIT else told | {"clock_off_seconds": clock_off.total_seconds()}


def beat() -> Part:
    last = PeriodicTask.objects.filter(name="tick").values_list("last_run_at", flat=True).first()
    if last is None:
        return {"ok": False, "seen_seconds": None}
    silence = timezone.now() - last
    return {"ok": silence < BEAT_SILENCE, "seen_seconds": round(silence.total_seconds())}


def hosts() -> Part:
    """How many enabled hosts are in each state."""
    counts = Host.objects.filter(enabled=True).order_by().values_list("state").annotate(n=Count("pk"))
    found = dict.fromkeys(HostState.values, 0) | dict(counts)
    return {"ok": not found[HostState.UNREACHABLE], **found}


def clocks() -> Part:
    """How far the clock of this process is from the database's."""
    before = timezone.now()
    apart = database_time() - before
    return {"ok": abs(apart) <= CLOCK_LIMIT, "apart_seconds": round(apart.total_seconds(), 3)}


def store() -> Part:
    place = settings.BATCHYARD_STORE
    os.makedirs(place, mode=0o700, exist_ok=True)
    disk = os.statvfs(place)
    free_bytes = disk.f_bavail * disk.f_frsize
    return {"ok": os.access(place, os.W_OK) and free_bytes >= FREE_LIMIT_BYTES, "free_bytes": free_bytes}


def broker() -> Part:
    with current_app.connection_for_write() as line:
        line.ensure_connection(max_retries=1, timeout=1)
    return {"ok": True}


CHECKS: Final[dict[str, Callable[[], Part]]] = {
    "database": database,
    "schema": schema,
    "engine": engine,
    "store": store,
    "broker": broker,
    "beat": beat,
    "hosts": hosts,
    "clocks": clocks,
}
