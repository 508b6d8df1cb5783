from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from hosts import leases
from jobs.models import Attempt, Event, Job, JobState
from jobs.queueing.states import NEXT, IllegalMove, Move, move, move_many
from tests.builders import MONDAY_NOON, make_host, make_job

pytestmark = pytest.mark.django_db


def test_every_state_leads_somewhere_and_only_to_known_states() -> None:
    assert set(NEXT) == set(JobState)
    assert all(NEXT[state] for state in JobState)


def test_a_move_that_is_not_listed_is_refused_and_says_what_is_possible() -> None:
    job = make_job()

    with pytest.raises(IllegalMove, match=rf"Job {job.pk} is ready; it cannot become succeeded \(only: .*running"):
        move(job, Move(job=job.pk, was=JobState.READY, to=JobState.SUCCEEDED), at=MONDAY_NOON)


def test_the_second_of_two_movers_loses_politely() -> None:
    job = make_job()
    told = Move(job=job.pk, was=JobState.READY, to=JobState.RUNNING)

    assert move_many([told], at=MONDAY_NOON) == {job.pk}
    assert move_many([told], at=MONDAY_NOON) == set()


def test_every_move_is_in_the_history_with_who_and_why() -> None:
    job = make_job()

    move(job, Move(job=job.pk, was=JobState.READY, to=JobState.CANCELLED, actor="bob", reason="No."), at=MONDAY_NOON)

    last = Event.objects.filter(job_id=job.pk).last()
    assert last is not None
    assert (last.was, last.now, last.actor, last.reason, last.at) == ("ready", "cancelled", "bob", "No.", MONDAY_NOON)


def test_a_batch_moves_all_or_nothing_when_one_is_illegal() -> None:
    one, two = make_job(), make_job()

    with pytest.raises(IllegalMove):
        move_many(
            [
                Move(job=one.pk, was=JobState.READY, to=JobState.RUNNING),
                Move(job=two.pk, was=JobState.READY, to=JobState.SUCCEEDED),
            ],
            at=MONDAY_NOON,
        )

    assert set(Job.objects.values_list("state", flat=True)) == {"ready"}


def test_the_database_refuses_a_finished_job_without_a_time() -> None:
    job = make_job()

    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)


@pytest.mark.meets("BD-36")
def test_the_database_refuses_two_open_attempts_of_a_job() -> None:
    job = make_job()
    fields = {"job": job, "lane": job.lane, "host": make_host(), "claimed_at": MONDAY_NOON}
    Attempt.objects.create(number=1, marker="a", **fields)

    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(number=2, marker="b", **fields)


def test_the_database_refuses_to_lend_a_seat_twice() -> None:
    host = make_host()
    leases.take([leases.Loan(host.pk, 0, 1)], at=MONDAY_NOON)

    with pytest.raises(IntegrityError), transaction.atomic():
        leases.take([leases.Loan(host.pk, 0, 2)], at=MONDAY_NOON)

    assert leases.release([1], at=MONDAY_NOON + timedelta(seconds=1)) == [leases.Loan(host.pk, 0, 1)]
    leases.take([leases.Loan(host.pk, 0, 2)], at=MONDAY_NOON)
