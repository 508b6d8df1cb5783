from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hosts.models import HostState, Lease
from jobs.dispatch.explain import explain, reasons
from jobs.dispatch.tick import dispatch_once, pass_once
from jobs.models import Attempt, Job, JobState, Queue
from jobs.queueing import control
from tests.builders import (
    MONDAY_NOON,
    make_host,
    make_job,
    make_pool,
    make_queue,
    make_schedule,
    make_type,
    make_user,
)

pytestmark = pytest.mark.django_db

FRIDAY = datetime(2026, 3, 6, tzinfo=UTC)


def started(at: datetime = MONDAY_NOON) -> list[int]:
    """The jobs that a pass at `at` starts, in order."""
    return [attempt.job_id for attempt in pass_once(at=at).started]


def kinds(job: Job, at: datetime = MONDAY_NOON) -> list[str]:
    return [blocker.kind for blocker in explain(job, at=at)]


def test_a_ready_job_starts_on_the_default_host() -> None:
    job = make_job()

    assert kinds(job) == []
    assert started() == [job.pk]

    job.refresh_from_db()
    attempt = Attempt.objects.get(job=job)
    assert job.state == JobState.RUNNING
    assert (attempt.number, attempt.host.name) == (1, "localhost")
    assert Lease.objects.get(released_at=None).holder == attempt.pk


@pytest.mark.meets("BD-36")
def test_a_job_is_never_claimed_twice() -> None:
    make_job()

    assert len(started()) == 1
    assert started() == []


@pytest.mark.meets("BD-37")
def test_a_host_never_has_more_jobs_than_seats() -> None:
    make_host(seats=2)
    jobs = [make_job() for _ in range(5)]

    assert started() == [jobs[0].pk, jobs[1].pk]
    assert started() == []
    assert "no_free_seat" in kinds(jobs[2])


@pytest.mark.parametrize("seats", [1, 3, 8])
def test_a_pool_fills_its_hosts_in_order(seats: int) -> None:
    first, second = make_host("one", seats=seats), make_host("two", seats=seats)
    make_queue("farm", pool=make_pool("both", first, second))
    for _ in range(3 * seats):
        make_job(queue="farm")

    attempts = pass_once(at=MONDAY_NOON).started

    assert [a.host_id for a in attempts] == [first.pk] * seats + [second.pk] * seats


def queue_on(**host: Any) -> Queue:
    return make_queue("q", host=make_host("other", **host))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(lambda: make_queue("q", enabled=False), "queue_disabled", id="queue disabled"),
        pytest.param(lambda: make_queue("q", schedule=make_schedule()), "window_closed", id="window closed"),
        pytest.param(lambda: queue_on(state=HostState.UNREACHABLE), "host_unreachable", id="host unreachable"),
        pytest.param(lambda: queue_on(state=HostState.STARTING), "host_starting", id="host starting"),
        pytest.param(lambda: queue_on(enabled=False), "host_disabled", id="host disabled"),
        pytest.param(lambda: make_queue("q", pool=make_pool("empty")), "no_host", id="empty pool"),
    ],
)  # fmt: skip
def test_a_shut_lane_starts_nothing_and_says_why(make: Callable[[], Queue], kind: str) -> None:
    make()
    job = make_job(queue="q")

    assert kinds(job) == [kind]
    assert started() == []


@pytest.mark.meets("BD-37")
def test_limits_of_queue_and_type_hold_together() -> None:
    make_host(seats=8)
    make_queue("a", max_running=2)
    make_queue("b")
    make_type(max_running=3)
    for _ in range(4):
        make_job(queue="a")
        make_job(queue="b")

    pass_once(at=MONDAY_NOON)

    running = [job.queue.name for job in Job.objects.filter(state=JobState.RUNNING)]
    assert len(running) == 3
    assert running.count("a") <= 2
    waiting = Job.objects.filter(state=JobState.READY, queue__name="b").order_by("id")[0]
    assert "type_limit" in kinds(waiting)


@pytest.mark.meets("BD-23")
def test_priority_then_order_of_submission_within_a_queue() -> None:
    make_host(seats=1)
    low, first, second = make_job(priority=-1), make_job(), make_job()
    high = make_job(priority=5)

    order = []
    while now_running := started():
        order += now_running
        Lease.objects.update(released_at=MONDAY_NOON)
        Attempt.objects.update(finished_at=MONDAY_NOON, outcome="exited")

    assert order == [high.pk, first.pk, second.pk, low.pk]


def test_seats_are_shared_between_queues_by_weight() -> None:
    make_host(seats=6)
    make_queue("heavy", weight=2)
    make_queue("light", weight=1)
    for _ in range(10):
        make_job(queue="heavy", priority=100)
        make_job(queue="light")

    pass_once(at=MONDAY_NOON)

    running = list(Job.objects.filter(state=JobState.RUNNING).values_list("queue__name", flat=True))
    assert (running.count("heavy"), running.count("light")) == (4, 2)


@pytest.mark.meets("BD-37")
def test_a_full_host_does_not_hold_up_work_for_another() -> None:
    make_host("busy", seats=1)
    make_host("idle", seats=1)
    make_job(host="busy")
    waiting = make_job(host="busy")
    other = make_job(host="idle")

    assert other.pk in started()
    assert kinds(waiting) == ["no_free_seat"]


@pytest.mark.meets("BD-18")
@pytest.mark.parametrize(
    ("at", "is_started"),
    [
        pytest.param(FRIDAY + timedelta(hours=23), True, id="Friday 23:00"),
        pytest.param(FRIDAY + timedelta(days=1, hours=5, minutes=59), True, id="Saturday 05:59"),
        pytest.param(FRIDAY + timedelta(days=1, hours=6), False, id="Saturday 06:00"),
        pytest.param(FRIDAY - timedelta(hours=1), False, id="Thursday 23:00"),
    ],
)
def test_a_night_window_belongs_to_the_day_it_begins_on(at: datetime, is_started: bool) -> None:
    make_queue("night", schedule=make_schedule())
    job = make_job(queue="night", at=FRIDAY - timedelta(days=2))

    assert (kinds(job, at) == []) == is_started
    assert started(at) == ([job.pk] if is_started else [])


@pytest.mark.meets("BD-19", "BD-20")
def test_a_job_outside_its_window_says_until_when_it_waits() -> None:
    make_queue("night", schedule=make_schedule(zone="Europe/Berlin"))
    job = make_job(queue="night")

    [blocker] = explain(job, at=MONDAY_NOON)

    assert blocker.until == datetime(2026, 3, 6, 21, tzinfo=UTC)
    assert "Fri 2026-03-06 22:00 CET" in blocker.message
    assert pass_once(at=MONDAY_NOON).next_at == blocker.until


@pytest.mark.meets("BD-20")
def test_a_job_that_is_not_due_wakes_by_itself() -> None:
    due = MONDAY_NOON + timedelta(hours=1)
    job = make_job(not_before=due)

    assert job.state == JobState.BLOCKED
    assert kinds(job) == ["not_due"]
    assert pass_once(at=MONDAY_NOON).next_at == due
    assert started(due - timedelta(microseconds=1)) == []
    assert started(due) == [job.pk]


@pytest.mark.meets("BD-25")
def test_a_held_job_waits_until_it_is_released() -> None:
    job = make_job(is_held=True)
    assert (kinds(job), started()) == (["held"], [])

    control.release(job, actor="alice", at=MONDAY_NOON)

    assert started() == [job.pk]


def test_place_in_line_is_a_blocker() -> None:
    make_queue(max_running=1)
    ahead, behind = make_job(), make_job()

    assert kinds(ahead) == []
    assert kinds(behind)[0] == "in_line"
    assert started() == [ahead.pk]


@pytest.mark.meets("BD-13")
def test_a_disabled_queue_starts_by_its_own_waiting_jobs_only() -> None:
    make_queue("mine", enabled=False, autostart_count=3)
    for _ in range(5):
        make_job(queue="other")
    mine = [make_job(queue="mine") for _ in range(2)]
    pass_once(at=MONDAY_NOON)
    assert not Queue.objects.get(name="mine").enabled

    make_job(queue="mine")
    pass_once(at=MONDAY_NOON)

    assert Queue.objects.get(name="mine").enabled
    assert mine[0].attempts.count() <= 1


@pytest.mark.meets("BD-40")
def test_the_host_is_the_jobs_then_the_types_then_the_queues() -> None:
    by_queue, by_type, by_job = make_host("by-queue"), make_host("by-type"), make_host("by-job")
    make_queue("q", host=by_queue)
    make_type("placed", template="true", params=(), host=by_type)
    jobs = [make_job(queue="q"), make_job(queue="q", type="placed"), make_job(queue="q", type="placed", host="by-job")]

    pass_once(at=MONDAY_NOON)

    hosts = {attempt.job_id: attempt.host for attempt in Attempt.objects.select_related("host")}
    assert [hosts[job.pk] for job in jobs] == [by_queue, by_type, by_job]


def test_the_pass_costs_the_same_number_of_queries_whatever_waits(
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    make_host(seats=1)
    make_job()
    dispatch_once(at=MONDAY_NOON)
    for _ in range(30):
        make_job()

    with django_assert_max_num_queries(20):
        dispatch_once(at=MONDAY_NOON)


def test_who_cancels_a_waiting_job_ends_it_at_once() -> None:
    job = make_job()

    assert control.cancel(job, actor=make_user().username, at=MONDAY_NOON)

    assert (job.state, job.finished_at) == (JobState.CANCELLED, MONDAY_NOON)
    assert started() == []


def test_the_reasons_of_many_jobs_are_those_of_each() -> None:
    make_host(seats=1)
    make_queue("shut", enabled=False)
    make_queue("night", schedule=make_schedule())
    jobs = [
        make_job(), make_job(), make_job(priority=3), make_job(queue="shut"), make_job(queue="night"),
        make_job(not_before=FRIDAY), make_job(is_held=True),
    ]  # fmt: skip

    found = reasons(jobs, at=MONDAY_NOON)

    assert {job.pk: [one.kind for one in found[job.pk]] for job in jobs} == {job.pk: told(job) for job in jobs}


def told(job: Job) -> list[str]:
    """What `explain` says, of a place in line no more than that."""
    kinds_ = kinds(job)
    return ["in_line"] if "in_line" in kinds_ else kinds_
