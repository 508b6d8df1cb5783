"""Faults of the whole site at once: an upgrade while jobs run, and the loss of its machine."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab.fault import CATALOGUE, Details
from tests.lab.site import copy_program, kill
from tests.lab.watching import job, seconds_until, submit
from tests.lab.yard import Lab

add = CATALOGUE.add
RUNS = 100
BEGUN_SECONDS = 120
HEALTHY_SECONDS = 180
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
    """A copy of the program that is one migration ahead, and brings another supervisor to hosts."""
    place = lab.directory / "next"
    if not place.exists():
        copy_program(lab.site.code, place)
        before = sorted((place / "jobs" / "migrations").glob("0*.py"))[-1].stem
        (place / "jobs" / "migrations" / "9999_next.py").write_text(NEXT_MIGRATION.format(before=before))
        for part in ("supervisor.sh", "resident/places.py"):
            with (place / "hosts" / "supervisor" / part).open("a") as file:
                file.write("\n# The next version.\n")
    return place


def restart_all(lab: Lab, *, code: Path) -> None:
    """Every process of the site, one after the other, as an upgrade does."""
    lab.site.code = code
    for part in lab.site.parts:
        lab.site.hold_down([part])
        lab.site.let_up([part])


def unhealthy(lab: Lab) -> list[str]:
    """What is wrong if the site does not come up."""
    is_up = seconds_until(lab.site.is_healthy, seconds=HEALTHY_SECONDS) is not None
    return [] if is_up else [f"the site was not healthy {HEALTHY_SECONDS} s after its restart as {lab.site.code.name}"]


def still_open(lab: Lab, numbers: list[int]) -> set[int]:
    """Those of the jobs that have begun and not ended."""
    running = lab.site.call("GET", "jobs?state=running&page_size=500")["results"]
    return {found["id"] for found in running} & set(numbers)


@add("F36", "upgrade", expected="100 runs go on through N -> N+1 -> N; none ends, none is doubled", is_random=False,
     seconds=(3.0, 3.0))  # fmt: skip
def upgrade(lab: Lab, chance: random.Random) -> Iterator[Details]:
    lab.site.call("PATCH", f"hosts/{lab.spare.name}", {"seats": RUNS})
    log, gate = lab.oracle / "upgrade", lab.oracle / "gate"
    os.mkfifo(gate)
    # Each waits for the gate, so all of them run from before the first step until after the last.
    command = f"echo $BATCHYARD_JOB >> {log}; echo begun; read -r line < {gate}; echo ended"
    numbers = [submit(lab, command, host=lab.spare.name) for _ in range(RUNS)]
    all_begun = seconds_until(lambda: log.exists() and len(log.read_text().split()) == RUNS, seconds=BEGUN_SECONDS)
    older, newer, at = lab.site.code, next_version(lab), time.time()
    wrong = [] if all_begun is not None else [f"not all of {RUNS} had begun after {BEGUN_SECONDS} s"]
    wrong += _go_up(lab, newer)
    details: Details = {"all_begun_after_seconds": all_begun, "up_seconds": round(time.time() - at, 1), "wrong": wrong}
    yield details
    begun = time.time()
    wrong += _go_down(lab, newer, older)
    details["down_seconds"] = round(time.time() - begun, 1)
    details["ran_through"] = len(still_open(lab, numbers))
    details["others_begun_meanwhile"] = lab.logs.count_since(at)
    # For reading as well: that waits for nobody.
    os.close(os.open(gate, os.O_RDWR))
    wrong += _judged(lab, numbers, begun=log)


def _go_up(lab: Lab, newer: Path) -> list[str]:
    """The old engines bear the new schema: they start nothing and look after what runs until they are replaced."""
    lab.site.manage("migrate", code=newer)
    threading.Event().wait(6)
    restart_all(lab, code=newer)
    wrong = unhealthy(lab)
    threading.Event().wait(6)
    return wrong


def _go_down(lab: Lab, newer: Path, older: Path) -> list[str]:
    """The older program takes no host up before the schema is its own again, and is not healthy until then."""
    if lab.site.shape == "site":
        restart_all(lab, code=older)
        lab.site.manage("migrate", "jobs", _before(newer), code=newer)
    else:
        lab.site.hold_down(lab.site.parts)
        lab.site.manage("migrate", "jobs", _before(newer), code=newer)
        restart_all(lab, code=older)
    return unhealthy(lab)


def _judged(lab: Lab, numbers: list[int], *, begun: Path) -> Iterator[str]:
    """What is wrong with runs that wrote a line each into `begun`."""
    seconds_until(lambda: not still_open(lab, numbers), seconds=60)
    for found in [job(lab, number) for number in numbers]:
        attempts = len(found["attempts"])
        if (found["state"], attempts) != ("succeeded", 1):
            yield f"job {found['id']} is {found['state']} after {attempts} attempts: {found['reason']}"
        output = lab.site.ask("GET", f"/api/v1/jobs/{found['id']}/output?stream=stdout").body
        if output != b"begun\nended\n":
            yield f"job {found['id']} left {output!r}"
    if sorted(begun.read_text().split()) != sorted(map(str, numbers)):
        yield f"{len(begun.read_text().split())} runs of {len(numbers)} jobs have begun"


def _before(code: Path) -> str:
    return sorted((code / "jobs" / "migrations").glob("0*.py"))[-1].stem
