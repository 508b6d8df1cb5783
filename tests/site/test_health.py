"""`/healthz` names what is wrong, and says 503 only when no work can be done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from kombu import Connection

from hosts.models import HostState
from jobs.execution import presence
from scheduler_site import health
from tests.builders import make_host
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def working(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine and a beat that have just reported, a store, and no wait for a broker that is not there."""
    settings.BATCHYARD_STORE = tmp_path / "output"
    presence.report("an engine")
    every = IntervalSchedule.objects.create(every=5, period="seconds")
    PeriodicTask.objects.create(name="tick", task="jobs.tick", interval=every, last_run_at=timezone.now())
    monkeypatch.setitem(health.CHECKS, "broker", lambda: {"ok": True})


def ask(client: Client) -> tuple[int, Any]:
    answer = client.get("/healthz")
    return answer.status_code, answer.json()


def test_a_site_that_works_says_so_part_by_part(client: Client) -> None:
    status, told = ask(client)

    assert (status, told["status"]) == (200, "ok"), told
    assert set(told["parts"]) == {"database", "schema", "engine", "store", "broker", "beat", "hosts", "clocks"}


def test_without_an_engine_no_work_can_be_done(client: Client) -> None:
    presence.withdraw("an engine")

    status, told = ask(client)

    assert (status, told["status"]) == (503, "failed")
    assert told["parts"]["engine"] == {"ok": False, "alive": 0}


def test_a_beat_that_is_silent_is_told_and_work_goes_on(client: Client) -> None:
    PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(minutes=10))

    status, told = ask(client)

    assert (status, told["status"]) == (200, "degraded")
    assert told["parts"]["beat"]["seen_seconds"] == pytest.approx(600, abs=10)


def test_a_host_that_is_away_is_counted_and_not_named(client: Client) -> None:
    make_host("secret-name", state=HostState.UNREACHABLE)
    make_host("off", state=HostState.UNREACHABLE, enabled=False)

    status, told = ask(client)

    assert (status, told["status"]) == (200, "degraded")
    assert told["parts"]["hosts"]["unreachable"] == 1
    assert "secret-name" not in str(told)


def test_a_database_that_lacks_a_migration_cannot_be_worked_on(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs' AND name LIKE '0002%'")

    status, told = ask(client)

    assert status == 503
    assert told["parts"]["schema"]["missing"] == 1


def test_a_database_that_is_newer_is_told(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '9999_later', CURRENT_TIMESTAMP)"
        )

    status, told = ask(client)

    assert status == 200
    assert told["parts"]["schema"] == {"ok": True, "missing": 0, "newer": 1}


def test_a_store_without_room_is_no_store(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FREE_LIMIT_BYTES", 1 << 60)

    status, told = ask(client)

    assert status == 503
    assert told["parts"]["store"]["ok"] is False


def test_a_clock_that_is_apart_from_the_databases_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "database_time", lambda: timezone.now() - timedelta(seconds=3))

    status, told = ask(client)

    assert (status, told["status"]) == (200, "degraded")
    assert told["parts"]["clocks"]["apart_seconds"] == pytest.approx(-3, abs=0.5)


def test_a_broker_that_does_not_answer_is_told_without_its_address(client: Client, settings: LazySettings) -> None:
    health.CHECKS["broker"] = health.broker

    status, told = ask(client)

    assert (status, told["status"]) == (200, "degraded")
    assert told["parts"]["broker"] == {"ok": False, "problem": "OperationalError"}


def test_a_broker_that_answers(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app, "connection_for_write", lambda: Connection(redis_server.url))

    assert health.broker() == {"ok": True}
