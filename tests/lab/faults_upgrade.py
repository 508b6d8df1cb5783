"""Faults of the whole site at once: an upgrade while jobs run, and the loss of its machine."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.lab.fault import CATALOGUE, Details
from tests.lab.site import copy_program, kill
from tests.lab.watching import ended, seconds_until, submit
from tests.lab.yard import Lab

add = CATALOGUE.add
RUNS = 100
RUN_SECONDS = 90
NEXT_MIGRATION = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "{before}")]
    operations = [migrations.AddField("job", "next_note", models.CharField(max_length=20, null=True))]
"""


@add("F9", "sqlite-held-long", expected="503 with Retry-After for writes; nothing lost", is_random=False,
     seconds=(0.0, 0.0), shapes=("embedded",))  # fmt: skip
def sqlite_held_long(lab: Lab, chance: random.Random) -> Iterator[Details]:
    line = sqlite3.connect(lab.site.data / "batchyard.sqlite3", timeout=20, isolation_level=None)
    line.execute("BEGIN EXCLUSIVE")
    asked = {"queue": "default", "type": "command", "params": {"command": "true"}}
    answer = lab.site.ask("POST", "/api/v1/jobs", asked, seconds=40)
    threading.Event().wait(10)
    is_right = (answer.status, "Retry-After" in answer.headers) == (503, True)
    yield {"wrong": [] if is_right else [f"a write was answered {answer.status}"]}
    line.execute("ROLLBACK")
    line.close()


@add("F38", "power-loss", expected="the copy of a moment goes on; what was acknowledged is there", seconds=(0.0, 1.0),
     shapes=("embedded",))  # fmt: skip
def power_loss(lab: Lab, chance: random.Random) -> Iterator[Details]:
    """All processes stand still for the copy, as no instant of a disk that loses power is between two."""
    processes = lab.site.processes()
    for process in processes:
        process.suspend()
    files = [lab.site.data / f"batchyard.sqlite3{end}" for end in ("", "-wal")]
    copies = [(file, lab.directory / file.name) for file in files if file.exists()]
    for file, copy in copies:
        shutil.copyfile(file, copy)
    lab.site.part("serve").is_wanted = False
    for process in processes:
        kill(process)
    for file in lab.site.data.glob("batchyard.sqlite3*"):
        file.unlink()
    for file, copy in copies:
        shutil.copyfile(copy, file)
    yield {"bytes": sum(copy.stat().st_size for _file, copy in copies)}
    lab.site.let_up([lab.site.part("serve")])


def next_version(lab: Lab) -> Path:
    """A copy of the program that is one migration ahead."""
    place = lab.directory / "next"
    if not place.exists():
        copy_program(lab.site.code, place)
        before = sorted((place / "jobs" / "migrations").glob("0*.py"))[-1].stem
        (place / "jobs" / "migrations" / "9999_next.py").write_text(NEXT_MIGRATION.format(before=before))
    return place


def restart_all(lab: Lab, *, code: Path) -> None:
    """Every process of the site, one after the other, as an upgrade does."""
    lab.site.code = code
    for part in lab.site.parts:
        lab.site.hold_down([part])
        lab.site.let_up([part])
    seconds_until(lab.site.is_healthy, seconds=90)


@add("F36", "upgrade", expected="100 runs go on through N -> N+1 -> N; none ends, none is doubled", is_random=False,
     seconds=(3.0, 3.0))  # fmt: skip
def upgrade(lab: Lab, chance: random.Random) -> Iterator[Details]:
    lab.site.call("PATCH", f"hosts/{lab.spare.name}", {"seats": RUNS})
    log = lab.oracle / "upgrade"
    command = f"echo $BATCHYARD_JOB >> {log}; echo begun; sleep {RUN_SECONDS}; echo ended"
    numbers = [submit(lab, command, host=lab.spare.name) for _ in range(RUNS)]
    begun = seconds_until(lambda: log.exists() and len(log.read_text().split()) == RUNS, seconds=60)
    older, newer = lab.site.code, next_version(lab)
    # The old engines bear the new schema: they start nothing and look after what runs until they are replaced.
    lab.site.manage("migrate", code=newer)
    threading.Event().wait(6)
    restart_all(lab, code=newer)
    threading.Event().wait(6)
    details: Details = {"runs": RUNS, "all_begun_after_seconds": begun}
    yield details
    if lab.site.shape == "site":
        restart_all(lab, code=older)
        lab.site.manage("migrate", "jobs", _before(newer), code=newer)
    else:
        lab.site.hold_down(lab.site.parts)
        lab.site.manage("migrate", "jobs", _before(newer), code=newer)
        restart_all(lab, code=older)
    jobs = [ended(lab, number, seconds=RUN_SECONDS + 60) for number in numbers]
    outputs = {lab.site.ask("GET", f"/api/v1/jobs/{n}/output?stream=stdout").body for n in numbers}
    twice = len(log.read_text().split()) - RUNS
    details["wrong"] = [
        *(f"job {j['id']} is {j['state']} after {len(j['attempts'])} attempts: {j['reason']}" for j in jobs
          if (j["state"], len(j["attempts"])) != ("succeeded", 1)),
        *([f"{twice} of {RUNS} began twice"] if twice else []),
        *([f"their outputs are {outputs}"] if outputs != {b"begun\nended\n"} else []),
    ]  # fmt: skip


def _before(code: Path) -> str:
    return sorted((code / "jobs" / "migrations").glob("0*.py"))[-1].stem
