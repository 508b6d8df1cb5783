"""What has finished is removed when it is old enough, with everything that belongs to it; nothing else is."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from accounts.models import AuditEntry
from hosts import leases
from hosts.models import Lease
from jobs.config import retention
from jobs.config.removal import drop_left_behind, remove_jobs
from jobs.config.retention import due, prune_once
from jobs.execution.store import FileStore
from jobs.models import Attempt, DroppedOutput, Event, Job, JobState, Outcome, Output, Queue, Statistic
from jobs.queueing import control
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue
from tests.retention.parts import ended, kept_files, started

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
LATER = MONDAY_NOON + 10 * DAY


@pytest.fixture
def queue() -> Queue:
    """Keeps what has finished for three days."""
    return make_queue(keep_days=3)


@pytest.mark.meets("BD-38")
def test_a_finished_job_goes_with_attempts_history_and_output_and_its_statistics_stay(queue: Queue) -> None:
    ended()
    ended(exit_code=1)
    assert kept_files() != []

    assert prune_once(at=LATER) == {"anytime": 2}

    assert [model.objects.count() for model in (Job, Attempt, Event, Output, DroppedOutput)] == [0, 0, 0, 0, 0]
    assert kept_files() == []
    assert sum(Statistic.objects.values_list("count", flat=True)) == 2


@pytest.mark.meets("BD-38")
def test_what_has_not_finished_is_never_removed(queue: Queue) -> None:
    held, ready, running = make_job(is_held=True), make_job(), make_job()
    started(running, at=MONDAY_NOON)

    assert prune_once(at=MONDAY_NOON + 1000 * DAY) == {}

    assert set(Job.objects.values_list("pk", flat=True)) == {held.pk, ready.pk, running.pk}
    assert Attempt.objects.count() == 1


@pytest.mark.parametrize(
    ("age", "is_kept"),
    [
        pytest.param(3 * DAY, True, id="three days later, the day is not over"),
        pytest.param(3 * DAY + timedelta(hours=11, minutes=59), True, id="a minute before midnight"),
        pytest.param(3 * DAY + timedelta(hours=12), False, id="midnight"),
    ],
)
def test_jobs_go_by_whole_days(queue: Queue, age: timedelta, is_kept: bool) -> None:
    ended(at=MONDAY_NOON)

    prune_once(at=MONDAY_NOON + age)

    assert Job.objects.exists() is is_kept


@pytest.mark.parametrize(
    ("of_queue", "of_site", "is_kept"),
    [
        pytest.param(None, 0, True, id="nothing is said: for ever"),
        pytest.param(None, 5, False, id="the site's"),
        pytest.param(0, 5, True, id="the queue's for ever before the site's"),
        pytest.param(30, 5, True, id="the queue's before the site's"),
    ],
)
def test_a_queue_s_own_days_count_before_the_site_s(
    settings: LazySettings, of_queue: int | None, of_site: int, is_kept: bool
) -> None:
    settings.BATCHYARD_KEEP_DAYS = of_site
    make_queue(keep_days=of_queue)
    ended()

    prune_once(at=LATER)

    assert Job.objects.exists() is is_kept


def test_a_cancelled_job_goes_as_well(queue: Queue) -> None:
    control.cancel(make_job(), actor="alice", at=MONDAY_NOON)

    assert prune_once(at=LATER) == {"anytime": 1}


def test_batches_follow_one_another_and_pass_over_what_stays(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    jobs = [ended(at=MONDAY_NOON + timedelta(seconds=number // 3)) for number in range(7)]
    # A host was given up: what runs there still is found by its attempt's row.
    for job in jobs[:3]:
        Attempt.objects.filter(job=job).update(outcome=Outcome.LOST, is_unconfirmed=True)

    assert due(at=LATER) == {"anytime": 4}
    assert prune_once(at=LATER) == {"anytime": 4}

    assert set(Job.objects.values_list("pk", flat=True)) == {job.pk for job in jobs[:3]}
    entries = AuditEntry.objects.filter(action="prune")
    assert sum(entry.after["jobs"] for entry in entries if entry.after) == 4


def test_a_pass_ends_when_its_time_is_over_and_the_next_goes_on(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        ended()
    answers = itertools.chain([False], itertools.repeat(True))

    assert prune_once(at=LATER, is_over=lambda: next(answers)) == {"anytime": 2}
    assert prune_once(at=LATER) == {"anytime": 3}


def test_a_job_that_is_retried_meanwhile_stays(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ended()

    def retried_first(jobs: Any) -> int:
        control.retry(job, actor="alice", at=LATER)
        return remove_jobs(jobs)

    monkeypatch.setattr(retention, "remove_jobs", retried_first)

    assert prune_once(at=LATER) == {}
    assert Job.objects.get().state == JobState.READY


def test_output_that_an_interrupted_removal_has_left_is_dropped_by_the_next(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended()
    with monkeypatch.context() as broken:
        broken.setattr(FileStore, "drop", lambda _self, _attempt: 1 / 0)
        assert prune_once(at=LATER) == {"anytime": 1}
    assert kept_files() != []

    assert drop_left_behind() == 1

    assert kept_files() == []
    assert DroppedOutput.objects.count() == 0


def test_output_that_cannot_be_removed_now_holds_nothing_else_up(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = ended().attempts.get().pk
    ended()
    dropping = FileStore.drop

    def refuse(store: FileStore, attempt: int) -> bool:
        if attempt == stuck:
            raise OSError("Input/output error")
        return dropping(store, attempt)

    with monkeypatch.context() as broken:
        broken.setattr(FileStore, "drop", refuse)
        assert prune_once(at=LATER) == {"anytime": 2}
        assert drop_left_behind() == 0
    assert list(DroppedOutput.objects.values_list("pk", flat=True)) == [stuck]

    prune_once(at=LATER)

    assert kept_files() == []


def test_seats_that_came_back_long_ago_are_forgotten() -> None:
    host = make_host()
    leases.take([leases.Loan(host.pk, seat, seat) for seat in range(3)], at=MONDAY_NOON)
    leases.release([1], at=MONDAY_NOON)
    leases.release([2], at=LATER)

    prune_once(at=LATER)

    assert list(Lease.objects.order_by("holder").values_list("holder", flat=True)) == [0, 2]


def test_the_command_tells_what_goes_before_it_goes(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    ended()

    call_command("prune", dry_run=True)
    assert capsys.readouterr().out == 'Queue "anytime": 1 jobs.\n1 jobs are to be removed.\n'
    assert Job.objects.exists()

    call_command("prune")
    assert capsys.readouterr().out == 'Queue "anytime": 1 jobs.\n1 jobs were removed.\n'
    assert not Job.objects.exists()
