"""What is noted for whom, in the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from hosts.models import Host, HostState
from jobs.execution import contact, ownership
from jobs.models import Delivery, JobState, Notice
from jobs.notices.delivery import KEPT, forget_once
from jobs.notices.lateness import note_late_once
from jobs.queueing.autostart import autostart_once
from jobs.queueing.control import hold
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue, make_type, make_user
from tests.notices.parts import LATER, end, subscribe, told

pytestmark = pytest.mark.django_db


def test_ends_of_jobs_are_noted_for_those_who_want_them() -> None:
    good, bad, killed = make_job(), make_job(), make_job()
    subscribe("failed")
    subscribe("succeeded")

    end(good, JobState.SUCCEEDED)
    end(bad, JobState.FAILED, reason="Exit code 3.")
    end(killed, JobState.CANCELLED)

    assert told() == [("succeeded", good.pk), ("failed", bad.pk)]
    assert Notice.objects.get(kind="failed").reason == "Exit code 3."


def test_a_notice_is_written_with_what_it_tells_or_not_at_all() -> None:
    job = make_job()
    subscribe("failed")

    with transaction.atomic():
        end(job, JobState.FAILED)
        transaction.set_rollback(True)

    job.refresh_from_db()
    assert job.state == JobState.READY
    assert told() == []


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        pytest.param({}, True, id="no limits"),
        pytest.param({"enabled": False}, False, id="disabled"),
        pytest.param({"queue": "anytime"}, True, id="its queue"),
        pytest.param({"queue": "other"}, False, id="another queue"),
        pytest.param({"type": "command"}, True, id="its type"),
        pytest.param({"type": "other"}, False, id="another type"),
        pytest.param({"only_own": True}, False, id="only own, and it is another's"),
    ],
)
def test_limits_of_a_subscription(fields: dict[str, Any], is_told: bool) -> None:
    job = make_job(owner=make_user("bob"))
    rows: dict[str, Callable[[str], Any]] = {"queue": make_queue, "type": make_type}
    subscribe("failed", **{key: rows[key](value) if key in rows else value for key, value in fields.items()})

    end(job, JobState.FAILED)

    assert bool(told()) == is_told


def test_a_retry_is_no_end() -> None:
    job = make_job(type="fragile")
    subscribe("failed")

    end(job, JobState.BLOCKED)

    assert told() == []


def own(host: Host) -> ownership.Grip:
    [grip] = ownership.acquire([host.pk], owner="engine-a")
    return grip


def test_a_host_that_stays_away_is_told_once_and_its_return_too() -> None:
    host = make_host("far")
    grip = own(host)
    subscribe("host_down", "host_up")

    for second in range(5):
        contact.failed(grip, reason="far cannot be reached: refused.", at=LATER + timedelta(seconds=second))
    contact.reached(grip, boot_id="b", at=LATER + timedelta(minutes=1))

    assert told() == [("host_down", host.pk), ("host_up", host.pk)]
    assert Notice.objects.get(kind="host_down").name == "far"


def test_one_lost_connection_is_no_news() -> None:
    host = make_host("far", state=HostState.ON)
    grip = own(host)
    subscribe("host_down", "host_up")

    contact.failed(grip, reason="gone", at=LATER)
    contact.reached(grip, boot_id="b", at=LATER)

    assert told() == []


def test_what_a_hosts_own_commands_said_is_not_told() -> None:
    grip = own(make_host("far"))
    subscribe("host_down")

    for _ in range(3):
        contact.failed(grip, reason="Its startup commands ended with 1: password is hunter2", at=LATER)

    assert Notice.objects.get().reason == "Its startup commands ended with 1"


def test_a_queue_that_enables_itself_is_told() -> None:
    queue = make_queue("heap", enabled=False, autostart_count=2)
    subscribe("queue_started", queue=queue)
    subscribe("queue_started", queue=make_queue("other"))
    for _ in range(2):
        make_job(queue="heap")

    autostart_once(at=LATER)

    assert told() == [("queue_started", queue.pk)]


MINUTES = {minutes: MONDAY_NOON + timedelta(minutes=minutes) for minutes in (5, 9, 11, 25, 29, 31)}


def test_a_job_that_has_not_begun_in_time_is_told_once() -> None:
    job = make_job()
    subscribe("late", created_at=MONDAY_NOON - timedelta(days=1))

    assert note_late_once(at=MINUTES[9]) == 0
    assert note_late_once(at=MINUTES[11]) == 1
    assert note_late_once(at=MINUTES[25]) == 0

    assert told() == [("late", job.pk)]


def test_lateness_counts_from_the_wished_start() -> None:
    make_job(not_before=MONDAY_NOON + timedelta(minutes=20))
    subscribe("late", created_at=MONDAY_NOON - timedelta(days=1))

    assert note_late_once(at=MINUTES[29]) == 0
    assert note_late_once(at=MINUTES[31]) == 1


def test_neither_held_nor_begun_jobs_are_late() -> None:
    hold(make_job(), actor="alice", at=MONDAY_NOON)
    begun = make_job()
    end(begun, JobState.READY, at=MINUTES[5])
    subscribe("late", created_at=MONDAY_NOON - timedelta(days=1))

    assert note_late_once(at=LATER) == 0


def test_what_was_late_before_somebody_subscribed_is_no_news() -> None:
    make_job()
    subscribe("late", created_at=MINUTES[11])

    assert note_late_once(at=MINUTES[25]) == 0


def test_what_was_sent_long_ago_is_forgotten_but_not_that_a_job_is_late() -> None:
    waiting, ended = make_job(), make_job()
    subscribe("late", "failed", created_at=MONDAY_NOON - timedelta(days=1))
    note_late_once(at=LATER)
    end(ended, JobState.FAILED)
    Notice.objects.update(delivery=Delivery.SENT, next_at=None, ended_at=LATER)

    forget_once(at=LATER + KEPT - timedelta(minutes=1))
    assert len(told()) == 3
    forget_once(at=LATER + KEPT + timedelta(minutes=1))

    assert told() == [("late", waiting.pk)]
    assert note_late_once(at=LATER + KEPT) == 0
