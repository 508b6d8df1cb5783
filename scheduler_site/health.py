"""Whether work can be done, part by part."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from jobs.dispatch.clocks import nearest_engine
from jobs.execution import presence
from jobs.queueing.gates import CLOCK_LIMIT

Part = dict[str, Any]

# Without these nothing can run. A broker that is down costs a second of latency, no more.
NEEDED = frozenset({"database", "engine", "store"})


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when jobs can be taken in and run, else 503; each part says what is wrong with it. Open to anybody."""
    parts = {name: check() for name, check in CHECKS.items()}
    can_work = all(parts[name]["ok"] for name in NEEDED)
    status = "ok" if all(part["ok"] for part in parts.values()) else "degraded" if can_work else "failed"
    return JsonResponse({"status": status, "parts": parts}, status=200 if can_work else 503)


def database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as problem:
        return _wrong(problem)
    return {"ok": True}


def engine() -> Part:
    try:
        count, clock_off = presence.alive(), nearest_engine()
    except (DatabaseError, InterfaceError) as problem:
        return _wrong(problem)
    told: Part = {"ok": count > 0 and abs(clock_off) <= CLOCK_LIMIT, "alive": count}
    return told if abs(clock_off) <= CLOCK_LIMIT else told | {"clock_off_seconds": clock_off.total_seconds()}


def store() -> Part:
    place = settings.BATCHYARD_STORE
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        free = os.statvfs(place)
    except OSError as problem:
        return _wrong(problem)
    is_writable = os.access(place, os.W_OK)
    return {"ok": is_writable, "free_bytes": free.f_bavail * free.f_frsize}


def broker() -> Part:
    try:
        with current_app.connection_for_write() as line:
            line.ensure_connection(max_retries=1, timeout=1)
    except (OperationalError, OSError) as problem:
        return _wrong(problem)
    return {"ok": True}


CHECKS: dict[str, Callable[[], Part]] = {"database": database, "engine": engine, "store": store, "broker": broker}


def _wrong(problem: Exception) -> Part:
    # The kind only: the text can name addresses and accounts, and anybody may ask.
    return {"ok": False, "problem": type(problem).__name__}
