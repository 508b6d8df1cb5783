"""Each attempt that ends is counted once into the day on which it ended, and stays counted."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from accounts import policy
from jobs.config.removal import remove_job
from jobs.models import Attempt, Job, JobState, Outcome, Statistic
from jobs.queueing import control
from jobs.queueing.states import Move, move
from jobs.tallies import triggers
from jobs.tallies.daily import BOUNDS
from jobs.tallies.statistics import Times, every_day, figures, named, of_days
from tests.builders import MONDAY_NOON, grant, make_host, make_job, make_queue, make_user
from tests.retention.parts import HOUR, ended, started

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def own_output(settings: LazySettings, tmp_path: Path) -> None:
    settings.BATCHYARD_OUTPUT_DIR = tmp_path / "output"


def counts(*by: str) -> dict[tuple[str, ...], int]:
    return {tuple(one.names.values()): one.count for one in figures(Statistic.objects.all(), by=by)}


def test_attempts_are_told_apart_by_day_queue_type_host_owner_and_outcome() -> None:
    ended()
    ended(queue="night", at=MONDAY_NOON + DAY)
    ended(type="render", host="build1", exit_code=3)
    ended(owner=make_user("bob"), outcome=Outcome.TIMED_OUT, exit_code=None)

    assert counts("day") == {("2026-03-02",): 3, ("2026-03-03",): 1}
    assert counts("queue") == {("anytime",): 3, ("night",): 1}
    assert counts("type") == {("command",): 3, ("render",): 1}
    assert counts("host") == {("build1",): 1, ("localhost",): 3}
    assert counts("owner", "queue") == {("alice", "anytime"): 2, ("alice", "night"): 1, ("bob", "anytime"): 1}
    [one] = figures(Statistic.objects.all(), by=[])
    assert one.outcomes == {"succeeded": 2, "failed": 1, "timed_out": 1}


def test_waiting_is_from_ready_to_the_start_and_running_from_there_to_the_end() -> None:
    job = make_job(at=MONDAY_NOON)
    attempt = started(job, at=MONDAY_NOON + 3 * MINUTE)
    Attempt.objects.filter(pk=attempt.pk).update(
        finished_at=MONDAY_NOON + 10 * MINUTE, outcome=Outcome.EXITED, exit_code=0
    )

    [one] = figures(Statistic.objects.all(), by=["queue"])

    assert (one.waited.total_seconds, one.waited.max_seconds) == (180, 180)
    assert (one.ran.total_seconds, one.ran.mean_seconds) == (420, 420)


def test_what_never_began_has_waited_until_it_was_claimed_and_has_not_run() -> None:
    job = make_job(at=MONDAY_NOON)
    claimed_at = MONDAY_NOON + MINUTE
    assert move(job, Move(job=job.pk, was=JobState.READY, to=JobState.RUNNING, attempt=1), at=claimed_at)
    row = Attempt.objects.create(
        job=job, number=1, lane=job.lane, host=make_host(), marker="never", claimed_at=claimed_at
    )
    Attempt.objects.filter(pk=row.pk).update(finished_at=claimed_at + HOUR, outcome=Outcome.STAGE_FAILED)

    [one] = figures(Statistic.objects.all(), by=["day"])

    assert one.outcomes == {"stage_failed": 1}
    assert one.waited.max_seconds == 60
    assert one.ran.buckets[1] == 1


def test_a_job_that_is_tried_twice_counts_twice_and_an_attempt_that_is_written_again_once() -> None:
    job = ended(exit_code=1)
    control.retry(job, actor="alice", at=MONDAY_NOON)
    ended(job, at=MONDAY_NOON + HOUR)
    Attempt.objects.update(reason="told twice", finished_at=MONDAY_NOON)

    [one] = figures(Statistic.objects.all(), by=["day"])

    assert one.outcomes == {"failed": 1, "succeeded": 1}


def test_removing_jobs_and_even_their_queue_takes_nothing_back() -> None:
    job = ended()
    remove_job(job)
    before = job.queue_id
    job.queue.delete()

    assert counts("queue") == {(f"#{before}",): 1}


def test_attempts_of_the_time_before_there_were_statistics_are_counted_alike() -> None:
    for minutes in (1, 7, 200):
        ended(ran=minutes * MINUTE, exit_code=minutes % 2)
    columns = [field.name for field in Statistic._meta.concrete_fields if field.name != "id"]
    kept = sorted(Statistic.objects.values_list(*columns))
    Statistic.objects.all().delete()
    triggers.remove()

    triggers.ensure()

    assert sorted(Statistic.objects.values_list(*columns)) == kept


def test_only_the_days_and_things_that_are_asked_for_are_counted() -> None:
    for day in range(4):
        ended(at=MONDAY_NOON + day * DAY)
    ended(queue="night", at=MONDAY_NOON + DAY)
    rows = of_days(Statistic.objects.all(), since=date(2026, 3, 3), until=date(2026, 3, 4))

    of_queue = figures(named(rows, {"queue": "anytime"}), by=["day"])

    assert [one.names["day"] for one in of_queue] == ["2026-03-03", "2026-03-04"]
    assert figures(named(rows, {"queue": "none such"}), by=["day"]) == []
    filled = every_day(of_queue, since=date(2026, 3, 1), until=date(2026, 3, 4))
    assert [one.count for one in filled] == [0, 0, 1, 1]


def test_only_who_may_see_all_jobs_of_a_queue_or_type_sees_their_statistics() -> None:
    ended()
    ended(queue="night")
    ended(type="render")
    of_host = grant(make_user("by host"), "ViewJobs", host=Job.objects.earliest("pk").attempts.get().host)
    of_queue = grant(make_user("by queue"), "ViewJobs", queue=make_queue("night"))

    assert policy.statistics(of_host).count() == 0
    assert [one.names["queue"] for one in figures(policy.statistics(of_queue), by=["queue"])] == ["night"]
    assert figures(policy.statistics(grant(make_user("all"), "ViewJobs")), by=[])[0].count == 3


@given(st.lists(st.floats(0.001, 300_000), min_size=1, max_size=60))
def test_a_percentile_is_within_the_bucket_of_the_exact_one_and_never_above_the_longest(seconds: list[float]) -> None:
    times = Times(sum(seconds), max(seconds))
    for one in seconds:
        bound = next(bound for bound in BOUNDS if one <= bound)
        times.buckets[bound] = times.buckets.get(bound, 0) + 1

    for percent in (1, 50, 90, 99, 100):
        exact = sorted(seconds)[max(0, -(-len(seconds) * percent // 100) - 1)]
        upper = next(bound for bound in BOUNDS if exact <= bound)
        lower = ([0, *BOUNDS])[BOUNDS.index(upper)]
        assert lower <= times.percentile(percent) <= min(upper, max(seconds))
