"""The totals that the database keeps say what its rows say, however those are written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Count

from jobs.config.removal import remove_queue
from jobs.execution import finish, ownership
from jobs.models import Attempt, Job, JobState, Outcome, Output, Queue, Tally
from jobs.outcomes import Ending, RetryRule
from jobs.queueing import control
from jobs.queueing.states import Move, move
from jobs.tallies import triggers
from jobs.tallies.totals import FOLD_OVER, fold_once, jobs_by_state, totals
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue

pytestmark = pytest.mark.django_db


def counted_rows() -> dict[tuple[int, str], int]:
    rows = Job.objects.order_by().values_list("queue", "state").annotate(n=Count("pk"))
    return {(queue, state): n for queue, state, n in rows}


def told() -> dict[tuple[int, str], int]:
    found = jobs_by_state(Queue.objects.values_list("pk", flat=True))
    return {key: n for key, n in found.items() if n}


def start(job: Job, *, after: timedelta = timedelta(0)) -> Attempt:
    assert move(job, Move(job=job.pk, was=JobState.READY, to=JobState.RUNNING, attempt=1), at=MONDAY_NOON)
    attempt = Attempt.objects.create(
        job=job, number=1, lane=job.lane, host=make_host(), marker=f"{job.pk}", claimed_at=MONDAY_NOON
    )
    Attempt.objects.filter(pk=attempt.pk).update(started_at=MONDAY_NOON + after)
    return attempt


def test_jobs_are_counted_through_their_lives() -> None:
    first, second, third = make_job(), make_job(queue="other"), make_job(is_held=True)
    attempt = start(first)
    Attempt.objects.filter(pk=attempt.pk).update(finished_at=MONDAY_NOON, outcome=Outcome.EXITED)
    move(first, Move(job=first.pk, was=JobState.RUNNING, to=JobState.SUCCEEDED), at=MONDAY_NOON)
    control.cancel(second, actor="alice", at=MONDAY_NOON)
    control.move_to(third, queue=make_queue("third"), actor="alice", at=MONDAY_NOON)

    assert told() == counted_rows()
    assert sorted(state for _queue, state in told()) == ["blocked", "cancelled", "succeeded"]


def test_removed_jobs_are_not_counted() -> None:
    queue = make_job().queue
    make_job()

    remove_queue(queue, is_forced=True)

    assert sum(totals()["jobs"].values()) == 0


def test_a_transaction_that_is_rolled_back_counts_nothing() -> None:
    with transaction.atomic():
        make_job()
        transaction.set_rollback(True)

    assert told() == {}


def test_starts_ends_and_waits_are_counted_by_queue() -> None:
    job = make_job()

    attempt = start(job, after=timedelta(seconds=3))
    Attempt.objects.filter(pk=attempt.pk).update(finished_at=MONDAY_NOON, outcome=Outcome.LOST)
    Attempt.objects.filter(pk=attempt.pk).update(reason="told twice", finished_at=MONDAY_NOON)

    found = totals()
    assert found["starts"] == {(job.queue_id, ""): 1}
    assert found["ends"] == {(job.queue_id, "lost"): 1}
    assert found["waited"] == {(job.queue_id, "5"): 1}
    assert found["waited_us"][job.queue_id, ""] == pytest.approx(3_000_000, abs=1000)
    assert found["noticed"] == {(0, "+Inf"): 1}


def test_output_that_grows_is_counted_and_output_that_goes_is_not_taken_back() -> None:
    attempt = start(make_job())
    output = Output.objects.create(attempt=attempt, stream="stdout", size_bytes=10)
    Output.objects.filter(pk=output.pk).update(size_bytes=25)
    Output.objects.bulk_create(
        [Output(attempt=attempt, stream="stdout", size_bytes=30)],
        update_conflicts=True, unique_fields=["attempt", "stream"], update_fields=["size_bytes"],
    )  # fmt: skip

    Output.objects.all().delete()

    assert totals()["bytes"] == {(0, ""): 30}


def test_folding_changes_no_total() -> None:
    queue = make_job().queue
    Tally.objects.bulk_create(Tally(kind="ends", queue=queue.pk, label="exited", count=1) for _ in range(FOLD_OVER))
    before = totals()

    fold_once()

    assert totals() == before
    assert Tally.objects.count() < FOLD_OVER or connection.vendor == "sqlite"


def test_triggers_that_a_migration_took_along_are_put_back_and_the_jobs_counted_afresh() -> None:
    make_job()
    triggers.remove()
    make_job()
    assert told() != counted_rows()

    triggers.ensure()
    make_job()

    assert told() == counted_rows()


def test_marks_that_an_engine_sets_are_counted() -> None:
    job = make_job()
    move(job, Move(job=job.pk, was=JobState.READY, to=JobState.RUNNING, attempt=1), at=MONDAY_NOON)
    attempt = Attempt.objects.create(
        job=job, number=1, lane=job.lane, host=make_host(), marker=f"{job.pk}", claimed_at=MONDAY_NOON
    )
    [grip] = ownership.acquire([attempt.host_id], owner="an engine")

    final = finish.Final(
        attempt=attempt.pk, job=job.pk, number=1, ending=Ending("exited", 0), started_at=MONDAY_NOON,
        finished_at=MONDAY_NOON, failures=0,
        rule=RetryRule(is_retry=False, is_later=False, count=0, delay=timedelta(0)),
    )  # fmt: skip
    finish.finish_many([final], grip=grip, at=MONDAY_NOON)

    assert totals()["starts"] == {(job.queue_id, ""): 1}
    assert totals()["ends"] == {(job.queue_id, "exited"): 1}
