from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from jobs.models import Job, JobState
from tests.builders import make_host, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_example_loads_twice_and_runs_to_its_end(tmp_path: Path) -> None:
    make_user("admin", is_superuser=True)
    make_host(seats=8)

    with override_settings(BATCHYARD_FILE_ROOTS=[tmp_path]):
        call_command("demo", stdout=StringIO())
        call_command("demo", stdout=StringIO())
        Job.objects.filter(type__name="countdown").update(params={"seconds": "1"})
        for _ in range(100):
            call_command("tick", stdout=StringIO())
            left = Job.objects.filter(finished_at=None).exclude(queue__name="nightly")
            if not left.exists():
                break

    done = Job.objects.exclude(queue__name="nightly")
    assert {(job.type.name, job.state) for job in done} == {
        (name, JobState.SUCCEEDED) for name in ("backup", "report", "countdown")
    }
    assert (tmp_path / "demo" / "report.txt").read_text() == "east 230\nnorth 165\nsouth 140\n"
    assert (tmp_path / "demo" / "backup.tar.gz").stat().st_size > 0


def test_a_site_without_an_account_says_what_to_do() -> None:
    with pytest.raises(CommandError, match="make run"):
        call_command("demo")
