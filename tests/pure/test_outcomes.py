from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.outcomes import Ending, RetryRule, as_asked, exited, judge, lost, signalled, timed_out

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEVER = RetryRule(is_retry=False, is_later=False, count=5, delay=timedelta(0))
TWICE = RetryRule(is_retry=True, is_later=True, count=2, delay=timedelta(minutes=5))


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        pytest.param(exited(0), "succeeded", id="exit 0"),
        pytest.param(exited(1), "failed", id="exit 1"),
        pytest.param(exited(255), "failed", id="exit 255"),
        pytest.param(signalled(9), "failed", id="SIGKILL"),
        pytest.param(timed_out(5), "failed", id="time limit"),
        pytest.param(lost("Gone."), "failed", id="lost"),
        pytest.param(Ending("killed"), "failed", id="killed"),
        pytest.param(Ending("stage_failed", exit_code=0), "failed", id="a file was not fetched"),
        pytest.param(Ending("cancelled"), "cancelled", id="cancelled"),
        pytest.param(Ending("host_failed"), "ready", id="never reached the host"),
    ],
)
def test_without_a_retry_every_ending_has_one_meaning(ending: Ending, state: str) -> None:
    assert judge(ending, NEVER, failures=0, at=AT).state == state


@pytest.mark.meets("BD-27")
@pytest.mark.parametrize(("failures", "state"), [(0, "ready"), (1, "ready"), (2, "failed")])
def test_a_job_runs_count_plus_one_times(failures: int, state: str) -> None:
    verdict = judge(exited(3), TWICE, failures=failures, at=AT)

    assert (verdict.state, verdict.failed) == (state, 1)


def test_a_retry_waits_its_delay_behind_the_others() -> None:
    verdict = judge(exited(3), TWICE, failures=0, at=AT)

    assert verdict.retry_at == AT + timedelta(minutes=5)
    assert verdict.is_later


@pytest.mark.parametrize("request_", ["cancel", "kill"])
def test_what_somebody_ended_is_never_tried_again(request_: str) -> None:
    ending = as_asked(signalled(15), request_)

    assert judge(ending, TWICE, failures=0, at=AT).state in {"cancelled", "failed"}
    assert ending.signal == 15


@pytest.mark.parametrize(
    ("request_", "told"), [("cancel", "Cancelled before it began."), ("kill", "Killed before it began.")]
)
def test_what_never_began_did_not_run(request_: str, told: str) -> None:
    assert as_asked(Ending("cancelled"), request_, has_begun=False).reason == told


def test_a_host_that_was_never_reached_costs_the_job_no_try() -> None:
    assert judge(Ending("host_failed"), TWICE, failures=2, at=AT).failed == 0


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (11, "SIGSEGV"), (250, "signal 250")])
def test_signals_are_named(number: int, name: str) -> None:
    assert signalled(number).reason == f"Ended by {name}."
