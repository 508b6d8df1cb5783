"""Which runs may be followed on their host by the next ones."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from hosts.supervisor.records import Ended, EndKind
from jobs.execution.finish import Final
from jobs.execution.runs import Run
from jobs.execution.succession import SHORT, soon_over
from jobs.models import Parameter
from jobs.outcomes import exited
from tests.builders import MONDAY_NOON, make_type
from tests.execution.opened import open_runs

pytestmark = pytest.mark.django_db

SOON = timedelta(seconds=0.01)


def followed(found: list[Run], *closings: tuple[Run, Final], has_resident: bool = True) -> list[int]:
    hello = SimpleNamespace(has_resident=has_resident)
    post: Any = SimpleNamespace(line=SimpleNamespace(hello=hello), runs={run.marker: run for run in found})
    return soon_over(post, closings, at=MONDAY_NOON + SHORT)


def closing(run: Run, *, lasted: timedelta = SOON) -> tuple[Run, Final]:
    run.ended = Ended(run.marker, EndKind.EXITED, 0, uptime_seconds=1, has_stdout=False, has_stderr=False)
    final = Final(
        attempt=run.attempt, job=run.job, number=run.number, ending=exited(0), started_at=MONDAY_NOON,
        finished_at=MONDAY_NOON + lasted, failures=0, rule=run.rule,
    )  # fmt: skip
    return run, final


def test_runs_of_a_type_whose_runs_are_short_may_be_followed() -> None:
    first, second, third = open_runs(3)
    third.started_at = MONDAY_NOON + SOON

    assert followed([first, second, third], closing(first)) == [second.attempt, third.attempt]


def test_a_run_that_goes_on_already_is_not_followed() -> None:
    first, second = open_runs(2)
    second.started_at = MONDAY_NOON

    assert followed([first, second], closing(first)) == []


@pytest.mark.parametrize("lasted", [SHORT, timedelta(hours=1)])
def test_runs_of_a_type_whose_runs_take_their_time_are_not_followed(lasted: timedelta) -> None:
    first, second, third = open_runs(3)

    assert followed([first, second, third], closing(first, lasted=lasted)) == []
    assert followed([first, second, third], closing(first), closing(second, lasted=lasted)) == []


def test_a_run_that_is_asked_something_is_not_followed() -> None:
    first, second = open_runs(2)
    second.request = "cancel"

    assert followed([first, second], closing(first)) == []


def test_nothing_is_followed_where_the_shell_launches() -> None:
    first, second = open_runs(2)

    assert followed([first, second], closing(first), has_resident=False) == []


@pytest.mark.parametrize("kind", [Parameter.Type.INPUT_FILE, Parameter.Type.OUTPUT_FILE])
def test_runs_of_types_with_files_are_not_followed(kind: Parameter.Type) -> None:
    files = make_type("files", template="true", params=())
    Parameter.objects.create(job_type=files, name="file", type=kind, position=0, required=False)
    first, second = open_runs(2, type="files")

    assert followed([first, second], closing(first)) == []
