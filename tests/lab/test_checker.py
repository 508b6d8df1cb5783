"""The checker finds each thing that may not be, and says nothing of what may."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.checker import CHECKED, Evidence, Verdict, check

NOON = 1_800_000_000.0
SIZE = 1000
Change = Callable[["Left"], object]


def iso(at: float) -> str:
    return f"2027-01-15T08:{int(at - NOON) // 60:02d}:{(at - NOON) % 60:09.6f}Z"


def digest(seed: int, size: int = SIZE) -> str:
    return hashlib.sha256(random.Random(seed).randbytes(SIZE)[:size]).hexdigest()


class Left:
    """What a clean run leaves: two jobs on one host, one fault while the first ran."""

    def __init__(self) -> None:
        self.jobs = [self.job(1), self.job(2)]
        self.starts = [self.start(1, NOON + 1), self.start(2, NOON + 10)]
        self.ends = [self.end(1, NOON + 5), self.end(2, NOON + 15)]
        self.requests: list[dict[str, Any]] = [
            {"key": f"k{n}", "id": n, "answers": [[0, 1.0, False], [201, 0.1, False]]} for n in (1, 2)
        ]
        self.faults: list[dict[str, Any]] = [
            {"n": 1, "code": "F1-x", "at": NOON + 3, "recovered_seconds": 1.0, "load": 1.0, "details": {}, "wrong": []}
        ]
        self.rules: dict[str, Any] = {
            "seats": {"n1": 1}, "queues": {"q": 1}, "retries": {"oracle": 0},
            "windowed": {"queue": "windowed", "open_from": NOON, "every": 120, "lasts": 60},
        }  # fmt: skip

    def job(self, number: int) -> dict[str, Any]:
        output = {"bytes": SIZE, "sha256": digest(number)}
        attempt = {"number": 1, "host": "n1", "outcome": "exited", "exit_code": 0, "reason": "", "phase": None,
                   "finished_at": iso(NOON + 5), "output": output}  # fmt: skip
        events = [{"now": now, "at": iso(NOON)} for now in ("ready", "running", "succeeded")]
        params = {"seed": str(number), "bytes": str(SIZE)}
        return {"id": number, "queue": "q", "type": "oracle", "state": "succeeded", "reason": "", "notes": f"k{number}",
                "attempts": [attempt], "events": events, "params": params}  # fmt: skip

    def start(self, job: int, at: float, *, attempt: int = 1) -> dict[str, Any]:
        return {"word": "start", "job": job, "attempt": attempt, "host": "n1", "at": at}

    def end(self, job: int, at: float) -> dict[str, Any]:
        return {**self.start(job, at), "word": "end", "code": 0, "written": SIZE, "sha256": digest(job)}

    def write(self, directory: Path) -> Evidence:
        (directory / "oracle").mkdir()
        files = {
            "oracle/n1.log": [*self.starts, *self.ends], "jobs.jsonl": self.jobs, "requests.jsonl": self.requests,
            "faults.jsonl": self.faults, "rules.jsonl": [self.rules], "plan.jsonl": [{"faults": ["F1-x"]}],
        }  # fmt: skip
        for name, lines in files.items():
            (directory / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
        return Evidence.read(directory)


def verdict(left: Left, directory: Path) -> Verdict:
    return check(left.write(directory))


def test_a_clean_run_is_clean(tmp_path: Path) -> None:
    found = verdict(Left(), tmp_path)

    assert {kind: found.violations[kind] for kind in CHECKED} == {kind: [] for kind in CHECKED}
    assert found.is_clean


def test_a_fault_that_met_no_work_proves_nothing(tmp_path: Path) -> None:
    left = Left()
    left.faults[0]["at"] = NOON + 100

    found = verdict(left, tmp_path)

    assert (found.is_valid, found.not_injected) == (False, ["F1-x"])


def attempt(left: Left) -> dict[str, Any]:
    told: dict[str, Any] = left.jobs[0]["attempts"][0]
    return told


def cut_short(left: Left, *, kept: int) -> None:
    """The first run was ended by its host's end, and the site knows."""
    left.ends.pop(0)
    left.faults[0]["details"] = {"halted": ["n1", NOON + 3, NOON + 4]}
    attempt(left).update(outcome="lost", exit_code=None, output={"bytes": kept, "sha256": digest(1, kept)})


def test_a_run_that_its_hosts_end_cut_short_may_be_lost(tmp_path: Path) -> None:
    left = Left()
    cut_short(left, kept=300)

    assert verdict(left, tmp_path).is_clean


def wrong_beginning(left: Left) -> None:
    cut_short(left, kept=300)
    attempt(left)["output"]["sha256"] = digest(2, 300)


def ran_at_once(left: Left) -> None:
    left.rules["retries"] = {"oracle": 1}
    left.starts.append(left.start(1, NOON + 2, attempt=2))


WRONG: dict[str, tuple[str, Change]] = {
    "accepted and gone": ("lost", lambda left: left.jobs.pop()),
    "never answered": ("lost", lambda left: left.requests.append({"key": "k", "id": None, "said": "", "answers": []})),
    "ended unseen": ("lost", lambda left: left.starts.pop()),
    "lost without cause": ("lost", lambda left: attempt(left).update(outcome="lost")),
    "began twice": ("doubled", lambda left: left.starts.append(left.start(1, NOON + 7))),
    "two attempts at once": ("doubled", ran_at_once),
    "one key, two jobs": ("doubled", lambda left: left.jobs[1].update(notes="k1")),
    "still running": ("stuck", lambda left: left.jobs[0].update(state="running")),
    "an open attempt": ("stuck", lambda left: attempt(left).update(finished_at=None)),
    "a byte less": ("output", lambda left: attempt(left)["output"].update(bytes=SIZE - 1)),
    "other bytes": ("output", lambda left: attempt(left)["output"].update(sha256=digest(9))),
    "another exit code": ("output", lambda left: attempt(left).update(exit_code=1)),
    "not how it begins": ("output", wrong_beginning),
    "after the window": ("window", lambda left: left.rules["windowed"].update(queue="q", open_from=NOON - 70)),
    "more than seats": ("limits", lambda left: left.starts[1].update(at=NOON + 2)),
    "two ends": ("history", lambda left: left.jobs[0]["events"].append({"now": "failed", "at": iso(NOON)})),
    "one attempt too many": ("attempts", lambda left: left.starts.append(left.start(1, NOON + 7, attempt=2))),
    "500": ("answers", lambda left: left.requests[0]["answers"].insert(0, [500, 0.1, False])),
    "503 without when": ("answers", lambda left: left.requests[0]["answers"].insert(0, [503, 0.1, False])),
    "never went on": ("recovery", lambda left: left.faults[0].update(recovered_seconds=None)),
    "went on late": ("recovery", lambda left: left.faults[0].update(recovered_seconds=31.0)),
    "went on late on a busy machine": (
        "recovery",
        lambda left: left.faults[0].update(recovered_seconds=61.0, load=4.0),
    ),
    "a fault's own promise": ("recovery", lambda left: left.faults[0].update(wrong=["not shown"])),
}


@pytest.mark.parametrize(("kind", "change"), WRONG.values(), ids=WRONG.keys())
def test_each_wrong_is_found(kind: str, change: Change, tmp_path: Path) -> None:
    left = Left()
    change(left)

    found = verdict(left, tmp_path)

    assert found.violations[kind]
    assert not found.is_clean
