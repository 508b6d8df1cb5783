"""What a session makes of what its host says of a run."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from hosts.supervisor.records import Look, RunState
from jobs.execution.looking import Looker
from jobs.execution.runs import Run
from tests.builders import MONDAY_NOON
from tests.execution.opened import open_runs

pytestmark = pytest.mark.django_db


class Told:
    """A supervisor that says of its one run what it is told to, and notes what it is asked to do."""

    def __init__(self, *states: RunState) -> None:
        self.states = list(states)
        self.killed: list[str] = []

    def look(self, names: list[str]) -> dict[str, Look]:
        return {name: Look(name, state=self.states.pop(0)) for name in names}

    def kill(self, names: list[str], *, grace: timedelta | None) -> None:
        assert grace is None
        self.killed += names


class Noted:
    """Stands for what closes and launches."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.launched: list[Run] = []

    def close_lost(self, run: Run, why: str) -> None:
        self.lost.append(why)

    def close_ready(self, runs: list[Run]) -> None:
        pass

    def launch(self, runs: list[Run]) -> None:
        self.launched += runs


def looked_at(*states: RunState, is_started: bool = True) -> tuple[Run, Told, Noted, list[bool]]:
    """A run that was seen in these states, look by look; and after which of them it is to be looked at again soon."""
    (run,) = open_runs(1)
    run.started_at = MONDAY_NOON if is_started else None
    told, noted = Told(*states), Noted()
    post: Any = SimpleNamespace(line=SimpleNamespace(supervisor=told), host=SimpleNamespace(name="far"))
    double: Any = noted
    looker = Looker(post, double, double)
    return run, told, noted, [looker.compare([run]) for _ in states]


@pytest.mark.parametrize("state", [RunState.GARBLED, RunState.REBOOTED, RunState.LOST, RunState.ABSENT])
def test_what_is_seen_once_while_its_record_is_written_goes_on(state: RunState) -> None:
    run, told, noted, again = looked_at(state, RunState.RUNNING, state, RunState.RUNNING)

    assert run.is_running
    assert (told.killed, noted.lost) == ([], [])
    assert again == [True, False, True, False]


@pytest.mark.parametrize("state", [RunState.REBOOTED, RunState.LOST])
def test_what_is_seen_twice_is_believed(state: RunState) -> None:
    _, told, noted, _ = looked_at(state, state)

    assert len(noted.lost) == 1
    assert told.killed == []


@pytest.mark.parametrize("state", [RunState.GARBLED, RunState.ABSENT])
@pytest.mark.parametrize(("looks", "lost"), [(2, 0), (3, 1)])
def test_what_has_no_record_is_ended_before_it_is_called_lost(state: RunState, looks: int, lost: int) -> None:
    run, told, noted, _ = looked_at(*[state] * looks)

    assert (told.killed, len(noted.lost)) == ([run.marker], lost)


def test_what_the_host_has_never_seen_is_launched() -> None:
    run, _, noted, again = looked_at(RunState.ABSENT, is_started=False)

    assert noted.launched == [run]
    assert again == [False]
