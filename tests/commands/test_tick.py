from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from jobs.models import Attempt, Job, JobState
from tests.builders import make_job, make_queue

pytestmark = pytest.mark.django_db(transaction=True)


def tick() -> str:
    out = StringIO()
    call_command("tick", stdout=out)
    return out.getvalue()


def test_ticks_alone_take_a_job_to_its_end() -> None:
    job = make_job("exit 3")

    out = tick()
    for _ in range(100):
        if not Job.objects.filter(finished_at=None).exists():
            break
        tick()

    job.refresh_from_db()
    assert f"Job {job.pk}: attempt 1" in out
    assert "1 started" in out
    assert (job.state, job.exit_code, Attempt.objects.count()) == (JobState.FAILED, 3, 1)


def test_a_pass_with_nothing_to_do_says_so() -> None:
    make_queue("closed", enabled=False)
    job = make_job(queue="closed")

    out = tick()

    job.refresh_from_db()
    assert job.state == JobState.READY
    assert "0 started" in out
