from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from hosts.models import Lease, Ownership
from jobs.dispatch.tick import pass_once
from jobs.execution import ownership
from jobs.execution.finish import Final, finish_many
from jobs.execution.ownership import Fenced, Grip
from jobs.models import Attempt, Job, JobState, Output
from jobs.outcomes import Ending, RetryRule, exited
from tests.builders import MONDAY_NOON, make_host, make_job

pytestmark = pytest.mark.django_db

LATER = MONDAY_NOON + timedelta(minutes=5)
NO_RETRY = RetryRule(is_retry=False, is_later=False, count=0, delay=timedelta(0))


def running_attempt() -> Attempt:
    make_job()
    [opened] = pass_once(at=MONDAY_NOON).started
    return Attempt.objects.get(pk=opened.pk)


def own(host: int, *, owner: str = "engine-a") -> Grip:
    [grip] = ownership.acquire([host], owner=owner)
    return grip


def expire(host: int) -> None:
    Ownership.objects.filter(host_id=host).update(expires_at=Now() - timedelta(seconds=1))


def final(attempt: Attempt, ending: Ending, **fields: object) -> Final:
    told = {
        "attempt": attempt.pk, "job": attempt.job_id, "number": attempt.number, "ending": ending,
        "started_at": MONDAY_NOON, "finished_at": LATER, "failures": 0, "rule": NO_RETRY,
    }  # fmt: skip
    return Final(**{**told, **fields})  # type: ignore[arg-type]


def test_a_host_has_one_owner_until_the_lease_runs_out() -> None:
    host = make_host().pk
    first = own(host)
    assert ownership.acquire([host], owner="engine-b") == []

    expire(host)
    second = own(host, owner="engine-b")

    assert second.token == first.token + 1
    assert ownership.renew([first]) == set()
    assert ownership.renew([second]) == {second}


@pytest.mark.meets("BD-36")
def test_an_owner_that_lost_its_lease_can_change_nothing() -> None:
    attempt = running_attempt()
    stale = own(attempt.host_id)
    expire(attempt.host_id)
    own(attempt.host_id, owner="engine-b")

    with pytest.raises(Fenced):
        finish_many([final(attempt, exited(0))], grip=stale, at=LATER)

    attempt.refresh_from_db()
    assert attempt.finished_at is None
    assert Job.objects.get().state == JobState.RUNNING
    assert Lease.objects.filter(released_at=None).count() == 1


def test_a_late_release_does_not_take_the_host_from_its_next_owner() -> None:
    host = make_host().pk
    stale = own(host)
    expire(host)
    own(host, owner="engine-b")

    ownership.release(stale)

    assert ownership.owner_of(host) == "engine-b"


def test_an_end_closes_attempt_job_and_seat_at_once() -> None:
    attempt = running_attempt()
    rows = [Output(attempt=attempt, stream="stdout", size_bytes=3, sha256="0" * 64, sealed_at=LATER)]

    closed = finish_many([final(attempt, exited(3), outputs=rows)], grip=own(attempt.host_id), at=LATER)

    assert closed == {attempt.pk}
    job = Job.objects.get()
    assert (job.state, job.exit_code, job.finished_at, job.reason) == (JobState.FAILED, 3, LATER, "Exit code 3.")
    assert Lease.objects.get().released_at == LATER
    assert attempt.outputs.get().size_bytes == 3


def test_an_attempt_that_somebody_closed_has_no_further_effect() -> None:
    attempt = running_attempt()
    grip = own(attempt.host_id)
    finish_many([final(attempt, exited(0))], grip=grip, at=LATER)

    assert finish_many([final(attempt, exited(9))], grip=grip, at=LATER) == set()

    assert Job.objects.get().exit_code == 0


@pytest.mark.meets("BD-27")
def test_a_retry_now_keeps_its_place_and_a_retry_later_goes_behind() -> None:
    make_host(seats=2)
    first, second = make_job(), make_job()
    attempts = Attempt.objects.filter(pk__in=[opened.pk for opened in pass_once(at=MONDAY_NOON).started]).order_by("pk")
    now_rule = RetryRule(is_retry=True, is_later=False, count=1, delay=timedelta(0))
    later_rule = RetryRule(is_retry=True, is_later=True, count=1, delay=timedelta(0))
    third = make_job()

    finish_many(
        [
            final(attempts[0], exited(1), rule=now_rule),
            final(attempts[1], exited(1), rule=later_rule),
        ],
        grip=own(attempts[0].host_id),
        at=LATER,
    )

    order = list(Job.objects.filter(state=JobState.READY).order_by("position", "id").values_list("pk", flat=True))
    assert order == [first.pk, third.pk, second.pk]


@pytest.mark.meets("BD-27")
def test_a_retry_with_a_delay_is_blocked_until_then() -> None:
    attempt = running_attempt()
    rule = RetryRule(is_retry=True, is_later=False, count=1, delay=timedelta(minutes=10))

    finish_many([final(attempt, exited(1), rule=rule)], grip=own(attempt.host_id), at=LATER)

    job = Job.objects.get()
    assert (job.state, job.retry_at) == (JobState.BLOCKED, LATER + timedelta(minutes=10))
    assert pass_once(at=LATER).next_at == job.retry_at
    assert len(pass_once(at=LATER + timedelta(minutes=10)).started) == 1


def test_the_journals_offset_is_written_with_the_end_or_not_at_all() -> None:
    attempt = running_attempt()
    grip = own(attempt.host_id)

    with transaction.atomic():
        finish_many([final(attempt, exited(0))], grip=grip, at=LATER, journal_offset=77)
        transaction.set_rollback(True)

    assert Ownership.objects.get().journal_offset == 0
    attempt.refresh_from_db()
    assert attempt.finished_at is None
