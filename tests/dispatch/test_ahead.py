"""Which jobs are handed to a host before it has a seat for them, and who gets the seat then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta

import pytest
from django.db import IntegrityError, transaction

from hosts.models import Host, Lease, Ownership
from jobs.dispatch.ahead import PATIENCE
from jobs.dispatch.tick import dispatch_once
from jobs.execution import finish, ownership, runs
from jobs.models import Attempt, Job, JobState, JobType, Phase, Queue, Site
from jobs.outcomes import Ending, exited
from jobs.queueing import control
from tests.builders import MONDAY_NOON, make_host, make_job, make_pool, make_queue, make_schedule

pytestmark = pytest.mark.django_db

LATER = MONDAY_NOON + timedelta(seconds=1)
SUCCESS = exited(0)
MORNING = {"weekdays": [0], "begin": time(6), "end": time(13)}


@pytest.fixture
def running() -> list[int]:
    """Two attempts that have the only two seats."""
    make_host(seats=2)
    for _ in range(2):
        make_job()
    return [attempt.pk for attempt in dispatch_once(at=MONDAY_NOON)[0]]


def handed_ahead(short: list[int]) -> dict[int, int]:
    """The jobs that a pass hands ahead, by the attempt that they follow."""
    opened, _ = dispatch_once(at=MONDAY_NOON, short=short)
    return {before: job for before, job in follows().items() if job in {attempt.job_id for attempt in opened}}


def follows() -> dict[int, int]:
    rows = Attempt.objects.exclude(after=None).values_list("after", "job_id")
    return {before: job for before, job in rows if before is not None}


def close(*attempts: int, ending: Ending = SUCCESS) -> None:
    host = Attempt.objects.get(pk=attempts[0]).host_id
    ownership.acquire([host], owner="an engine")
    grip = ownership.Grip(host, "an engine", Ownership.objects.get(host=host).token)
    finals = [
        finish.Final(
            attempt=run.attempt, job=run.job, number=run.number, ending=ending, started_at=None, finished_at=LATER,
            failures=0, rule=run.rule,
        )
        for run in runs.load(attempts)
    ]  # fmt: skip
    finish.finish_many(finals, grip=grip, at=LATER)


def seats() -> dict[int, int]:
    return dict(Lease.objects.filter(released_at=None).values_list("holder", "seat"))


def attempt_of(job: Job) -> int:
    return Attempt.objects.get(job=job).pk


def test_each_short_run_is_followed_by_one_job_in_order(running: list[int]) -> None:
    first, second, _third = (make_job() for _ in range(3))

    assert handed_ahead(running) == {running[0]: first.pk, running[1]: second.pk}
    assert handed_ahead(running) == {}


def test_no_more_than_two_wait_for_one_seat(running: list[int]) -> None:
    jobs = [make_job() for _ in range(6)]
    handed_ahead(running)
    open_now = [*running, *map(attempt_of, jobs[:2])]

    assert handed_ahead(open_now) == {attempt_of(jobs[0]): jobs[2].pk, attempt_of(jobs[1]): jobs[3].pk}
    assert handed_ahead([*open_now, *map(attempt_of, jobs[2:4])]) == {}


def test_nothing_follows_what_waits_for_a_run_that_is_not_short(running: list[int]) -> None:
    first, _second = make_job(), make_job()
    handed_ahead(running[:1])

    assert handed_ahead([attempt_of(first)]) == {}


@pytest.mark.parametrize(
    "ends", [(["seated", "next"],), (["seated"], ["next"]), (["next"], ["seated"])], ids=["at once", "in order", "late"]
)
def test_the_seat_goes_to_the_first_that_is_left(running: list[int], ends: tuple[list[str], ...]) -> None:
    first, second = make_job(), make_job()
    handed_ahead(running[:1])
    handed_ahead([running[0], attempt_of(first)])
    attempts = {"seated": running[0], "next": attempt_of(first)}
    seat = seats()[running[0]]

    for together in ends:
        close(*(attempts[word] for word in together))

    assert seats() == {running[1]: seats()[running[1]], attempt_of(second): seat}


def test_a_job_that_follows_has_no_seat_and_says_where_it_is(running: list[int]) -> None:
    job = make_job()

    handed_ahead(running)

    attempt = Attempt.objects.get(job=job)
    assert (attempt.phase, Job.objects.get(pk=job.pk).state) == (Phase.NEXT_ON_HOST, JobState.RUNNING)
    assert set(seats()) == set(running)


def test_a_seat_goes_to_the_job_that_follows(running: list[int]) -> None:
    job, rest = make_job(), make_job()
    handed_ahead(running[:1])
    seat = seats()[running[0]]

    close(running[0])

    attempt = Attempt.objects.get(job=job).pk
    assert seats()[attempt] == seat
    assert handed_ahead([attempt]) == {attempt: rest.pk}


def test_a_seat_is_free_when_both_have_ended(running: list[int]) -> None:
    job = make_job()
    handed_ahead(running[:1])

    close(Attempt.objects.get(job=job).pk)
    close(running[0])

    assert set(seats()) == {running[1]}


def test_a_job_that_is_called_off_goes_back_to_its_place_in_line(running: list[int]) -> None:
    job = make_job()
    handed_ahead(running)

    close(Attempt.objects.get(job=job).pk, ending=Ending("recalled", reason="It went on."))

    after = Job.objects.get(pk=job.pk)
    assert (after.state, after.position, after.failures) == (JobState.READY, job.position, 0)
    assert set(seats()) == set(running)


def test_nothing_follows_a_run_that_somebody_has_asked_something_of(running: list[int]) -> None:
    make_job()
    control.cancel(Attempt.objects.get(pk=running[0]).job, actor="alice", at=MONDAY_NOON)

    assert set(handed_ahead(running)) == {running[1]}


def test_free_seats_come_first(running: list[int]) -> None:
    Host.objects.update(seats=3)
    first, second = make_job(), make_job()

    assert handed_ahead(running) == {running[0]: second.pk}
    assert Attempt.objects.get(job=first).after is None


def test_nothing_follows_in_a_seat_that_its_host_no_longer_has(running: list[int]) -> None:
    make_job()
    Host.objects.update(seats=1)

    assert set(handed_ahead(running)) <= {running[0]}


STOPPING: dict[str, Callable[[], object]] = {
    "a paused site": lambda: Site.objects.update(is_paused=True),
    "a disabled queue": lambda: Queue.objects.update(enabled=False),
    "a disabled host": lambda: Host.objects.update(enabled=False),
    "a queue's limit, though not reached": lambda: Queue.objects.update(max_running=9),
    "a type's limit, though not reached": lambda: JobType.objects.update(max_running=9),
    "another lane that may want the seat": lambda: make_job(queue="other"),
    "another lane of a pool with this host": lambda: (
        make_queue("pooled", pool=make_pool("all", Host.objects.get(name="localhost"))),
        make_job(queue="pooled"),
    ),
}


@pytest.mark.parametrize("stop", STOPPING.values(), ids=STOPPING.keys())
def test_nothing_is_handed_ahead_where_more_than_a_seat_may_stop_it(
    running: list[int], stop: Callable[[], object]
) -> None:
    make_job()
    stop()

    assert handed_ahead(running) == {}


def test_a_lane_that_cannot_start_now_stops_no_other(running: list[int]) -> None:
    job = make_job()
    make_queue("shut", enabled=False)
    make_job(queue="shut")

    assert handed_ahead(running[:1]) == {running[0]: job.pk}


def test_a_held_job_is_passed_over(running: list[int]) -> None:
    make_job(is_held=True)
    job = make_job()

    assert handed_ahead(running[:1]) == {running[0]: job.pk}


def test_two_cannot_follow_one(running: list[int]) -> None:
    first, second = make_job(), make_job()
    handed_ahead(running)
    both = list(Attempt.objects.filter(job__in=[first, second]))

    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.filter(pk=both[1].pk).update(after=both[0].after)


@pytest.mark.parametrize(
    ("seconds", "is_handed"), [(PATIENCE.total_seconds() + 1, True), (PATIENCE.total_seconds() - 1, False)]
)
def test_what_might_begin_outside_of_its_window_is_not_handed_ahead(
    running: list[int], seconds: float, is_handed: bool
) -> None:
    Queue.objects.update(schedule=make_schedule("mornings", windows=(MORNING,)))
    make_job()
    closing = MONDAY_NOON + timedelta(hours=1)

    opened, _ = dispatch_once(at=closing - timedelta(seconds=seconds), short=running)

    assert bool(opened) is is_handed
