"""What the bench starts is found again and ended, also what has left its parent."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.processes import belonging, end_all, family, pss_bytes, until
from bench.rows import NotMeasured
from bench.stock import add_finished, add_ready
from jobs.models import Attempt, Job, JobState
from tests.builders import make_job


def test_a_process_that_left_its_parent_is_found_by_its_directory_and_ended(tmp_path: Path) -> None:
    command = ["setsid", "--fork", "sleep", "600"]
    subprocess.run(command, cwd=tmp_path, check=True)
    until(lambda: bool(belonging(directory=tmp_path)), seconds=10, what="it runs")

    end_all(lambda: belonging(directory=tmp_path))

    assert belonging(directory=tmp_path) == []


def test_a_process_is_found_by_the_mark_in_its_environment(tmp_path: Path) -> None:
    mark = f"BATCHYARD_MARK=:{tmp_path.name}"
    with subprocess.Popen(["sleep", "600"], env={"BATCHYARD_MARK": f":{tmp_path.name}:run:"}) as process:
        until(lambda: process.pid in belonging(directory=tmp_path, marks=[mark]), seconds=10, what="it is found")
        process.kill()


def test_a_family_is_the_process_and_its_descendants() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        child = int(shell.stdout.readline())

        found = family(shell.pid)

        end_all(lambda: [pid for pid in found if Path(f"/proc/{pid}/exe").exists() and shell.poll() is None])
    assert found == [shell.pid, child]


def test_memory_is_told_of_the_living_and_none_of_the_dead() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        alive = pss_bytes(process.pid)
        process.kill()

    assert alive > 0
    assert pss_bytes(process.pid) == 0


def test_waiting_ends_with_what_was_waited_for() -> None:
    with pytest.raises(NotMeasured, match="the moon is full"):
        until(lambda: False, seconds=0, what="the moon is full")


@pytest.mark.django_db
def test_a_stock_of_jobs_keeps_every_rule_of_the_tables() -> None:
    template = make_job(is_held=True)

    add_finished(template, count=3)
    add_ready(template, count=2)
    template.delete()

    assert sorted(Job.objects.values_list("state", flat=True)) == [JobState.READY] * 2 + [JobState.SUCCEEDED] * 3
    finished = Job.objects.filter(state=JobState.SUCCEEDED)
    assert {attempt.job_id for attempt in Attempt.objects.all()} == {job.pk for job in finished}
