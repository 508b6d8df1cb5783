from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from jobs.models import Job, JobState, Phase, Queue, Schedule
from tests.api.parts import make_job, start
from tests.builders import grant, make_user
from tests.compat.batchd.asking import NEW_JOB, Asker, line_of, three_jobs


@pytest.mark.meets("BD-09", "BD-10")
def test_a_change_of_a_queue_changes_what_it_names(ask: Asker) -> None:
    made = ask("POST", "queue", {"name": "q", "schedule_name": "nights", "host_name": "localhost",
                                 "autostart_job_count": 3, "enabled": False})  # fmt: skip
    assert made == "q"
    queue = ask("GET", "queue/q")
    assert queue["title"] == "q"

    for change in ({"enabled": True}, {"title": "T"}, {"host_name": "*"}, {"autostart_job_count": None}, {"other": 1}):
        assert ask("PUT", "queue/q", change) == "done"
        queue = {**queue, **{key: None if value == "*" else value for key, value in change.items() if key in queue}}
        assert ask("GET", "queue/q") == queue

    ask.refused("PUT", "queue/p", {"enabled": True}, status=404)


@pytest.mark.meets("BD-11")
def test_a_queue_goes_with_its_jobs_only_if_that_is_said(ask: Asker, furnished: Job) -> None:
    three_jobs(ask)

    assert "3" in ask.refused("DELETE", "queue/free", status=403)
    assert ask("DELETE", "queue/free?status=failed") == "done"
    assert list(Job.objects.values_list("state", flat=True)) == [JobState.READY] * 3
    assert AuditEntry.objects.filter(action="remove", kind="jobs.job").count() == 1
    assert ask("DELETE", "queue/free?forced=true") == "done"

    assert Job.objects.count() == 0
    assert not Queue.objects.filter(name="free").exists()


@pytest.mark.meets("BD-15")
def test_a_schedule_goes_with_its_queues_only_if_that_is_said(ask: Asker) -> None:
    ask("POST", "queue/nightly", NEW_JOB)
    ask.refused("DELETE", "schedule/nights", status=403)

    assert ask("DELETE", "schedule/nights?forced=true") == "done"

    assert not Schedule.objects.exists()
    assert not Queue.objects.filter(name="nightly").exists()
    assert not Job.objects.filter(queue__name="nightly").exists()


@pytest.mark.meets("BD-14")
def test_statistics_count_each_job_once(ask: Asker, root: User, furnished: Job) -> None:
    make_job(root, queue="free")
    make_job(root, queue="free", is_held=True)
    make_job(root, queue="free", not_before=datetime.now(UTC) + timedelta(days=1))
    start(make_job(root, queue="free"), phase=Phase.STAGING_IN)
    start(make_job(root, queue="free"))

    told = ask("GET", "stats/free")

    assert told == {"failed": 1, "new": 2, "postponed": 1, "processing": 1, "waiting": 1}
    assert ask("GET", "stats") == {"free": told, "nightly": {}}
    assert ask("GET", "stats/other") == {}
    for word, count in told.items():
        assert len(ask("GET", f"queue/free/jobs?status={word}")) == count


@pytest.mark.meets("BD-51")
def test_who_manages_the_jobs_of_a_queue_removes_them_by_number(ask: Asker, root: User) -> None:
    job, other = make_job(root, queue="free"), make_job(root, queue="nightly")
    grant(make_user("eve"), "ManageJobs", queue=Queue.objects.get(name="free"))

    assert Asker("eve")("DELETE", f"job/{job.pk}") == "done"
    Asker("eve").refused("DELETE", f"job/{other.pk}", status=403)
    assert Asker("eve")("GET", "queue/free/jobs") == []


@pytest.mark.meets("BD-62")
@pytest.mark.parametrize("path", ["queue/free/jobs?status=all", "queue/free/jobs", "jobs?status=all", "stats", "queue"])
def test_lists_cost_the_same_however_many_jobs_there_are(ask: Asker, root: User, path: str) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            ask("GET", path)
        return len(asked)

    make_job(root, queue="free")
    few = statements()
    for _ in range(20):
        make_job(root, queue="free")

    assert statements() == few


@pytest.mark.meets("BD-62")
def test_lists_have_an_end(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.compat.batchd.words.LIST_LIMIT", 2)
    first, second, third = three_jobs(ask)

    assert line_of(ask) == [first, second]
    assert [job["id"] for job in ask("GET", "jobs?status=all")] == [second, third]
