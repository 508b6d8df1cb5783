"""An engine that was stopped past its lease and goes on changes nothing: every way of writing, a hundred times."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from hosts.models import Host, Ownership
from jobs.dispatch.tick import pass_once
from jobs.execution import contact, finish, leftovers, marks, ownership, runs, session
from jobs.execution.ownership import Fenced, Grip
from jobs.models import Attempt, AttemptRequest, Event, Job, Output, Phase
from jobs.outcomes import exited
from tests.builders import MONDAY_NOON, make_job

pytestmark = pytest.mark.django_db

TIMES = 100
LATER = MONDAY_NOON + timedelta(minutes=5)
Write = Callable[[runs.Run, Grip], Any]


def _finish(run: runs.Run, grip: Grip) -> None:
    final = finish.Final(
        attempt=run.attempt, job=run.job, number=run.number, ending=exited(0), started_at=MONDAY_NOON,
        finished_at=LATER, failures=0, rule=run.rule,
    )  # fmt: skip
    finish.finish_many([final], grip=grip, at=LATER, journal_offset=4711)


def _started(run: runs.Run, grip: Grip) -> None:
    run.started_at = LATER
    marks.started([run], grip=grip, journal_offset=4711)


WRITES: dict[str, Write] = {
    "finish": _finish,
    "started": _started,
    "phase": lambda run, grip: marks.phase([run], Phase.STAGING_OUT, grip=grip),
    "answered": lambda run, grip: marks.answered(run, phase=Phase.PAUSED, grip=grip, request=AttemptRequest.PAUSE),
    "reached": lambda run, grip: contact.reached(grip, boot_id="other", at=LATER),
    "failed": lambda run, grip: contact.failed(grip, reason="gone", at=LATER),
    "put_back": lambda run, grip: session.put_back(grip, reason="gone"),
    "count_death": lambda run, grip: leftovers.count_death(grip),
    "renew": lambda run, grip: ownership.renew([grip]),
    "release": lambda run, grip: ownership.release(grip),
}


def everything() -> list[list[tuple[Any, ...]]]:
    """All rows that an owner of hosts may write."""
    tables = (Job, Attempt, Event, Output, Host, Ownership)
    return [list(table._default_manager.order_by("pk").values_list()) for table in tables]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_stale_token_changes_nothing_a_hundred_times_of_a_hundred(write: Write) -> None:
    make_job()
    [opened] = pass_once(at=MONDAY_NOON).started
    [stale] = ownership.acquire([opened.host_id], owner="stopped")
    Ownership.objects.update(expires_at=Now() - timedelta(seconds=1))
    ownership.acquire([opened.host_id], owner="next")
    before = everything()

    for _ in range(TIMES):
        [run] = runs.load([opened.pk])
        with suppress(Fenced):
            write(run, stale)

    assert everything() == before
