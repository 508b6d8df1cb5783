"""What becomes of attempts whose engine died, and of those whose host cannot be asked."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models.functions import Now

from hosts.models import Host, HostState, Lease, Ownership
from hosts.supervisor.records import RunState
from hosts.transports.local import LocalTransport
from jobs.dispatch.tick import pass_once
from jobs.execution import leftovers, ownership, runs
from jobs.execution.store import FileStore
from jobs.models import Attempt, Job, JobState, JobType, Outcome, Phase, Script
from tests.builders import MONDAY_NOON, make_job, make_type
from tests.hosts.site import Site, run_of, wait_until

pytestmark = pytest.mark.django_db


def attempt(**fields: object) -> Attempt:
    make_job()
    [opened] = pass_once(at=MONDAY_NOON).started
    Attempt.objects.filter(pk=opened.pk).update(**fields)
    return Attempt.objects.get(pk=opened.pk)


def taken_over(host: int, *, after: str) -> ownership.Grip:
    """The grip of an engine on a host whose owner before has not been heard of since."""
    ownership.acquire([host], owner=after)
    Ownership.objects.filter(host_id=host).update(expires_at=Now() - timedelta(seconds=1))
    [grip] = ownership.acquire([host], owner="next")
    return grip


def out_of_sight(*, lost_after: int | None) -> tuple[Attempt, ownership.Grip]:
    """A run that was handed to a host which has been unreachable since noon."""
    make_type("command", lost_after_seconds=lost_after)
    script = Script.objects.create(digest="d", text="true")
    left = attempt(script=script, phase=Phase.UNREACHABLE, started_at=MONDAY_NOON)
    Host.objects.update(state=HostState.UNREACHABLE, state_since=MONDAY_NOON)
    [grip] = ownership.acquire([left.host_id], owner="engine")
    return left, grip


def test_an_engine_that_gives_a_host_up_has_not_died() -> None:
    host = attempt().host_id
    [first] = ownership.acquire([host], owner="first")
    ownership.release(first)

    [second] = ownership.acquire([host], owner="second")

    assert not second.is_after_death


def test_what_an_engine_had_in_hand_when_it_died_is_counted_and_what_ran_is_not() -> None:
    in_hand = attempt()
    running = attempt(phase=Phase.RUNNING, started_at=MONDAY_NOON)

    grip = taken_over(in_hand.host_id, after="dead")
    leftovers.count_death(grip)

    assert grip.is_after_death
    assert {run.attempt: run.deaths for run in runs.load([in_hand.pk, running.pk])} == {in_hand.pk: 1, running.pk: 0}


@pytest.mark.parametrize(
    ("lost_after", "seconds", "closed"),
    [
        pytest.param(60, 59, 0, id="not yet"),
        pytest.param(60, 60, 1, id="long enough"),
        pytest.param(None, 9_999_999, 0, id="its owner waits for ever"),
    ],
)
def test_a_run_out_of_sight_is_given_up_when_its_owner_says_so(
    lost_after: int | None, seconds: int, closed: int, tmp_path: Path
) -> None:
    left, grip = out_of_sight(lost_after=lost_after)

    at = MONDAY_NOON + timedelta(seconds=seconds)
    given_up = leftovers.give_up(grip, store=FileStore(tmp_path), at=at)

    left.refresh_from_db()
    assert given_up == closed
    assert (left.outcome == Outcome.LOST, left.is_unconfirmed) == (bool(closed), bool(closed))
    assert Job.objects.get().state == (JobState.FAILED if closed else JobState.RUNNING)
    assert Lease.objects.filter(released_at=None).count() == 1 - closed


def test_what_is_given_up_is_tried_again_by_its_type() -> None:
    left, grip = out_of_sight(lost_after=60)
    JobType.objects.update(on_fail="retry", retry_count=1)

    leftovers.give_up(grip, store=FileStore(Path("/nowhere")), at=MONDAY_NOON + timedelta(minutes=5))

    left.refresh_from_db()
    assert "300 s" in left.reason
    assert Job.objects.get().state == JobState.READY


@pytest.mark.parametrize("has_record", [True, False], ids=["with a record", "without one"])
def test_what_was_given_up_is_ended_when_its_host_can_be_asked(has_record: bool, tmp_path: Path) -> None:
    left, grip = out_of_sight(lost_after=60)
    leftovers.give_up(grip, store=FileStore(tmp_path), at=MONDAY_NOON + timedelta(minutes=5))
    there = Site(lambda: LocalTransport(tmp_path), directory=tmp_path / "base")
    post: Any = SimpleNamespace(host=left.host, grip=grip, line=SimpleNamespace(supervisor=there.supervisor))

    with closing(there.transport):
        there.launch(run_of(left.marker, "echo on; sleep 1000"))
        wait_until(lambda: len(there.pids(left.marker)) >= 2, what="the command")
        if not has_record:
            shutil.rmtree(there.directory / "runs" / left.marker)
            assert there.look(left.marker).state is RunState.ABSENT
        leftovers.end_leftovers(post)
        wait_until(lambda: not there.pids(left.marker), what="the end of what was given up")
        leftovers.end_leftovers(post)

    assert not Attempt.objects.get().is_unconfirmed


def test_a_lease_of_before_the_clock_was_put_back_is_taken_at_once() -> None:
    host = attempt().host_id
    ownership.acquire([host], owner="before")
    Ownership.objects.filter(host_id=host).update(expires_at=Now() + timedelta(hours=1))

    assert ownership.free([host]) == {host}
    [grip] = ownership.acquire([host], owner="after")

    assert grip.owner == "after"
