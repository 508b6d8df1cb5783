from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from jobs.models import Attempt, JobState
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
