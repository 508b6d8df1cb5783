"""What the end of an attempt means for its job. Pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Outcome = Literal[
    "exited", "signalled", "timed_out", "cancelled", "killed", "lost", "recalled", "host_failed", "stage_failed"
]
Final_ = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended, told apart: exit code, signal, time limit, asked for, lost.

    `reason` is a sentence for people; empty for exit code 0.
    """

    outcome: Outcome
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""

    @property
    def is_success(self) -> bool:
        return self.outcome == "exited" and self.exit_code == 0


def exited(code: int) -> Ending:
    return Ending("exited", exit_code=code, reason=f"Exit code {code}." if code else "")


def signalled(number: int) -> Ending:
    return Ending("signalled", signal=number, reason=f"Ended by {signal_name(number)}.")


def timed_out(limit_seconds: int | None) -> Ending:
    return Ending("timed_out", reason=f"Over its time limit of {limit_seconds} s.")


def lost(why: str) -> Ending:
    return Ending("lost", reason=why)


def signal_name(number: int) -> str:
    """SIGKILL for 9; the number where it has no name here."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def as_asked(ending: Ending, request: str, *, has_begun: bool = True) -> Ending:
    """The ending of an attempt that somebody asked to end: cancelled or killed, whatever its command said last."""
    when = "while it ran" if has_begun else "before it began"
    if request == "cancel":
        return Ending("cancelled", ending.exit_code, ending.signal, f"Cancelled {when}.")
    if request == "kill":
        return Ending("killed", ending.exit_code, ending.signal, f"Killed {when}.")
    return ending


@dataclass(frozen=True, slots=True)
class RetryRule:
    """A job type's on_fail. `is_retry` False: a failure is final."""

    is_retry: bool
    is_later: bool
    count: int
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the job: a final state, or another try, not before `retry_at`."""

    state: Final_ | Literal["ready"]
    failed: int = 0
    retry_at: datetime | None = None
    is_later: bool = False


NEVER_STARTED: Final = frozenset({"host_failed", "recalled"})


def judge(ending: Ending, rule: RetryRule, *, failures: int, at: datetime) -> Verdict:
    """What an ending means for its job, which has failed `failures` times before.

    count + 1 attempts in all (batchd's rule). What somebody ended is never retried. An attempt that
    never reached its host has cost the job nothing: it goes back in line.
    """
    if ending.is_success:
        return Verdict("succeeded")
    if ending.outcome == "cancelled":
        return Verdict("cancelled")
    if ending.outcome in NEVER_STARTED:
        return Verdict("ready")
    if ending.outcome != "killed" and rule.is_retry and failures < rule.count:
        retry_at = at + rule.delay if rule.delay else None
        return Verdict("ready", failed=1, retry_at=retry_at, is_later=rule.is_later)
    return Verdict("failed", failed=1)
