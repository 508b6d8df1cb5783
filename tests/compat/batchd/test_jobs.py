from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import User
from jobs.models import Attempt, Job
from jobs.queueing import control
from tests.api.parts import make_job, start
from tests.builders import make_schedule
from tests.compat.batchd.asking import NEW_JOB, Asker, line_of, three_jobs

KEYS = {
    "id", "queue", "type", "seq", "user_name", "create_time", "start_time", "status", "try_count", "host_name",
    "notes", "result_time", "exit_code", "stdout", "stderr", "params",
}  # fmt: skip


@pytest.mark.meets("BD-07")
def test_a_job_has_sixteen_keys_its_defaults_and_times_with_fractions(ask: Asker) -> None:
    number = ask("POST", "queue/free", {**NEW_JOB, "start_time": "2031-01-01T10:00:00.5Z", "notes": "n"})

    job = ask("GET", f"job/{number}")

    assert set(job) == KEYS
    assert job["params"] == {"scene": "a", "frame": "1"}
    assert job["start_time"] == "2031-01-01T10:00:00.500000Z"
    assert datetime.fromisoformat(job["create_time"]) <= datetime.now(UTC)
    assert (job["status"], job["user_name"], job["notes"], job["try_count"]) == ("New", "root", "n", 0)


@pytest.mark.meets("BD-20")
def test_a_start_outside_the_window_is_refused_here(ask: Asker) -> None:
    make_schedule("days", windows=({"weekdays": [0], "begin": "08:00", "end": "19:00"},))
    ask("POST", "queue", {"name": "q", "schedule_name": "days"})
    inside, outside = "2031-01-06T10:00:00.0Z", "2031-01-06T20:00:00.0Z"
    refused = "Время запуска не входит в расписание очереди."

    assert refused in ask.refused(
        "POST", "queue/q", {**NEW_JOB, "start_time": outside}, status=400, **{"Accept-Language": "ru"}
    )
    number = ask("POST", "queue/q", {**NEW_JOB, "start_time": inside})
    ask.refused("PUT", f"job/{number}", {"start_time": outside}, status=400)
    assert ask("PUT", f"job/{number}", {"start_time": None}) == "done"

    assert Job.objects.get(pk=number).not_before is None


@pytest.mark.meets("BD-24")
def test_jobs_change_their_places(ask: Asker) -> None:
    a, b, c = three_jobs(ask)
    steps = [
        (c, "first", [c, a, b]), (c, "less", [a, c, b]), (c, "less", [a, b, c]), (c, "less", [a, b, c]),
        (c, "more", [a, c, b]), (c, "more", [c, a, b]), (c, "more", [c, a, b]), (a, "last", [c, b, a]),
        (b, "first", [b, c, a]), (c, "last", [b, a, c]),
    ]  # fmt: skip

    for job, word, expected in steps:
        assert ask("PUT", f"job/{job}", {"priority": word}) == "done"
        assert line_of(ask) == expected, (job, word)


@pytest.mark.meets("BD-24")
def test_jobs_that_came_at_one_moment_change_their_places(ask: Asker) -> None:
    a, b, c = three_jobs(ask)
    Job.objects.filter(pk__in=[a, b, c]).update(position=7)

    ask("PUT", f"job/{c}", {"priority": "more"})
    ask("PUT", f"job/{a}", {"priority": "less"})

    assert line_of(ask) == [c, a, b]


@pytest.mark.meets("BD-24")
def test_a_moved_job_keeps_its_parameters_and_is_last(ask: Asker) -> None:
    first = ask("POST", "queue/nightly", NEW_JOB)
    job = ask("POST", "queue/free", {**NEW_JOB, "params": {"scene": "b"}})

    assert ask("PUT", f"job/{job}", {"move": "nightly"}) == "done"
    ask.refused("PUT", f"job/{job}", {"move": "nightl"}, status=400)

    assert line_of(ask, "nightly") == [first, job]
    assert ask("GET", f"job/{job}")["params"]["scene"] == "b"


@pytest.mark.meets("BD-25")
def test_statuses_become_others_as_far_as_people_may_say_so(ask: Asker, furnished: Job) -> None:
    job = ask("POST", "queue/free", NEW_JOB)

    for word, told in (
        ("Postponed", "Postponed"),
        ("New", "New"),
        ("New", "New"),
        ("Failed", "Failed"),
        ("New", "New"),
    ):
        assert ask("PUT", f"job/{job}", {"status": word}) == "done"
        assert ask("GET", f"job/{job}")["status"] == told
    for word in ("Done", "Processing", "Waiting", "done", "Gone"):
        ask.refused("PUT", f"job/{job}", {"status": word}, status=400)
    assert ask("PUT", f"job/{furnished.pk}", {"status": "New"}) == "done"

    assert ask("GET", f"job/{furnished.pk}")["status"] == "New"


@pytest.mark.parametrize(
    "told", [{"priority": "first", "move": "nightly"}, {"move": "nightly", "notes": "n"}, {}, {"other": 1},
             {"priority": "up"}, {"priority": None}, {"status": 5}, {"notes": "n", "host_name": "far"}],
    ids=str,
)  # fmt: skip
def test_a_change_of_a_job_is_of_one_form_and_wholly_done_or_not(ask: Asker, told: dict[str, Any]) -> None:
    job = ask("POST", "queue/free", NEW_JOB)
    before = ask("GET", f"job/{job}")

    ask.refused("PUT", f"job/{job}", told, status=400)

    assert ask("GET", f"job/{job}") == before


@pytest.mark.meets("BD-33")
def test_to_remove_a_running_job_ends_it_and_to_remove_it_twice_is_done(ask: Asker, root: User) -> None:
    runs = start(make_job(root, queue="free"))
    waits = make_job(root, queue="free")

    assert [ask("DELETE", f"job/{pk}") for pk in (runs.job_id, waits.pk, waits.pk, 99999)] == ["done"] * 4

    assert Attempt.objects.get(pk=runs.pk).request == "cancel"
    assert not Job.objects.filter(pk=waits.pk).exists()


def test_a_job_is_removed_by_its_place(ask: Asker) -> None:
    job = ask("POST", "queue/free", NEW_JOB)
    seq = ask("GET", f"job/{job}")["seq"]

    assert ask("DELETE", f"queue/free/{seq}") == "done"

    assert not Job.objects.filter(pk=job).exists()


@pytest.mark.meets("BD-34")
def test_what_becomes_of_a_job_cannot_be_said_with_it(ask: Asker) -> None:
    forged = {"status": "Done", "try_count": 9, "user_name": "eve", "id": 1, "seq": 1, "queue": "other", "exit_code": 0}

    job = ask("GET", f"job/{ask('POST', 'queue/free', {**NEW_JOB, **forged})}")

    assert (job["status"], job["try_count"], job["user_name"], job["queue"]) == ("New", 0, "root", "free")


@pytest.mark.meets("BD-23")
def test_the_newest_job_is_the_last_in_line(ask: Asker) -> None:
    assert line_of(ask) == []

    assert three_jobs(ask) == line_of(ask)


def test_a_cancelled_job_is_told_as_failed(ask: Asker, root: User) -> None:
    job = make_job(root, queue="free")
    control.cancel(job, actor="root", at=datetime.now(UTC))

    assert ask("GET", f"job/{job.pk}")["status"] == "Failed"
