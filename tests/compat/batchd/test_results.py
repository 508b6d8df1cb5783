from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from jobs.config.retention import prune_once
from jobs.models import Attempt, JobState, Queue
from jobs.queueing.states import Move, move
from tests.api.parts import finish, make_job, start, write
from tests.compat.batchd.asking import Asker


def results_of(ask: Asker, job: int) -> list[dict[str, Any]]:
    answer = ask.answer("GET", f"job/{job}/results")

    async def collected() -> list[bytes]:
        return [piece async for piece in answer.streaming_content]

    pieces = async_to_sync(collected)()
    assert max(map(len, pieces)) < 4 * 1024 * 1024
    told: list[dict[str, Any]] = json.loads(b"".join(pieces))
    return told


@pytest.mark.meets("BD-32")
def test_results_are_lines_as_they_arrived_read_in_pieces(ask: Asker, root: User) -> None:
    attempt = start(make_job(root, queue="free"))
    ask.refused("GET", f"job/{attempt.job_id}/results/last", status=404)
    assert results_of(ask, attempt.job_id) == []
    write(attempt, ("stdout", b"a\nb"), ("stderr", b"e\n"), ("stdout", b"c\n\n"), ("stdout", b"x" * 100_000))
    write(attempt, ("stdout", b"\n" + b"".join(b"%d\n" % number for number in range(30_000)) + b"rest"))

    last = ask("GET", f"job/{attempt.job_id}/results/last")
    finish(attempt)
    rows = results_of(ask, attempt.job_id)

    assert last["stdout"] == "rest"
    assert [(row["stdout"], row["stderr"]) for row in rows[:4]] == [("a", ""), ("", "e"), ("bc", ""), ("", "")]
    assert "".join(row["stdout"] for row in rows[4:6]) == "x" * 100_000
    assert [row["stdout"] for row in rows[6:-2]] == [str(number) for number in range(30_000)]
    assert (rows[-2]["stdout"], rows[-1]["exit_code"]) == ("rest", 0)
    assert ask("GET", f"job/{attempt.job_id}/results/last") == rows[-1]


@pytest.mark.meets("BD-27")
def test_each_attempt_has_its_results_and_failures_are_counted(ask: Asker, root: User) -> None:
    job = make_job(root, queue="free")
    first = start(job)
    write(first, ("stdout", b"once\n"))
    at = datetime.now(UTC)
    Attempt.objects.filter(pk=first.pk).update(finished_at=at, outcome="exited", exit_code=2)
    move(job, Move(job=job.pk, was=JobState.RUNNING, to=JobState.READY, failed=1), at=at)
    write(start(job), ("stdout", b"twice\n"))

    told = [(row["stdout"], row["exit_code"]) for row in results_of(ask, job.pk)]

    assert told == [("once", None), ("", 2), ("twice", None)]
    assert (ask("GET", f"job/{job.pk}")["try_count"], ask("GET", f"job/{job.pk}")["status"]) == (1, "Processing")


@pytest.mark.meets("BD-38")
@pytest.mark.parametrize("code", [pytest.param(0, id="done"), pytest.param(3, id="failed")])
def test_old_ends_vanish_with_their_results_and_nothing_else_does(ask: Asker, root: User, code: int) -> None:
    Queue.objects.filter(name="free").update(keep_days=2)
    ended, running = start(make_job(root, queue="free")), start(make_job(root, queue="free"))
    for attempt in (ended, running):
        write(attempt, ("stdout", b"a line\n"))
    finish(ended, exit_code=code)
    kept = [running.job_id, make_job(root, queue="free").pk, make_job(root, queue="free", is_held=True).pk]
    at = datetime.now(UTC)

    prune_once(at=at + timedelta(days=1))
    assert results_of(ask, ended.job_id)[0]["stdout"] == "a line"
    prune_once(at=at + timedelta(days=4))

    for path in (f"job/{ended.job_id}", f"job/{ended.job_id}/results", f"job/{ended.job_id}/results/last"):
        ask.refused("GET", path, status=404)
    told = {job["id"]: job["status"] for job in ask("GET", "queue/free/jobs?status=all")}
    assert told == dict(zip(kept, ("Processing", "New", "Postponed"), strict=True))
    assert [row["stdout"] for row in results_of(ask, running.job_id)] == ["a line"]
