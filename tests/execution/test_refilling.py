"""A seat that comes free is filled in the transaction that frees it, unless somebody dispatches at that moment."""

from __future__ import annotations

import pytest
from django.db import OperationalError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from jobs.dispatch.tick import pass_once
from jobs.execution import finish, ownership, runs
from jobs.execution.conductor import Conductor
from jobs.models import Attempt, Job, JobState
from jobs.outcomes import exited
from tests.builders import MONDAY_NOON, make_host, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def conductor() -> Conductor:
    one = Conductor(name="an engine")
    one._is_outdated = False
    return one


@pytest.fixture
def jobs() -> list[Job]:
    """One that runs in the only seat, and one that waits for it."""
    make_host("localhost", seats=1)
    both = [make_job(), make_job()]
    pass_once(at=MONDAY_NOON)
    return both


def end(job: Job) -> None:
    (run,) = runs.load(list(Attempt.objects.filter(job=job).values_list("pk", flat=True)))
    (grip,) = ownership.acquire([Attempt.objects.get(pk=run.attempt).host_id], owner="an engine")
    final = finish.Final(
        attempt=run.attempt, job=run.job, number=run.number, ending=exited(0), started_at=MONDAY_NOON,
        finished_at=MONDAY_NOON, failures=0, rule=run.rule,
    )  # fmt: skip
    finish.finish_many([final], grip=grip, at=MONDAY_NOON)


def close(job: Job, conductor: Conductor) -> None:
    with transaction.atomic():
        end(job)
        conductor._refill(())


def states(jobs: list[Job]) -> list[str]:
    return [Job.objects.get(pk=job.pk).state for job in jobs]


def test_the_next_job_has_the_seat_when_the_end_is_known(conductor: Conductor, jobs: list[Job]) -> None:
    close(jobs[0], conductor)

    assert states(jobs) == [JobState.SUCCEEDED, JobState.RUNNING]


def test_an_end_that_is_not_kept_starts_nothing(conductor: Conductor, jobs: list[Job]) -> None:
    with transaction.atomic():
        end(jobs[0])
        conductor._refill(())
        transaction.set_rollback(True)

    assert states(jobs) == [JobState.RUNNING, JobState.READY]


def test_whoever_closes_is_told_if_all_of_it_was_lost(
    conductor: Conductor, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_the_connection(**given: object) -> None:
        transaction.set_rollback(True)
        raise OperationalError("terminating connection due to administrator command")

    monkeypatch.setattr("jobs.execution.conductor.dispatch_once", lose_the_connection)

    with pytest.raises(OperationalError, match="terminating"):
        close(jobs[0], conductor)

    assert states(jobs) == [JobState.RUNNING, JobState.READY]


def test_a_pass_that_fails_takes_no_end_with_it(
    conductor: Conductor, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**given: object) -> None:
        raise OperationalError("deadlock detected")

    monkeypatch.setattr("jobs.execution.conductor.dispatch_once", fail)

    close(jobs[0], conductor)

    assert states(jobs) == [JobState.SUCCEEDED, JobState.READY]


def test_while_another_dispatches_the_seat_is_left_to_him(
    conductor: Conductor, jobs: list[Job], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True), conductor._turn:
        close(jobs[0], conductor)

    assert states(jobs) == [JobState.SUCCEEDED, JobState.READY]
    assert conductor._dispatch_bell.is_set()


def test_an_engine_older_than_the_database_starts_nothing(conductor: Conductor, jobs: list[Job]) -> None:
    conductor._is_outdated = True

    close(jobs[0], conductor)

    assert states(jobs) == [JobState.SUCCEEDED, JobState.READY]
