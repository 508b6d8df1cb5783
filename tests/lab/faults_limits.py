"""Faults of what every machine has only so much of: space, descriptors, memory, sessions, a right clock, names."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.lab.fault import CATALOGUE, Details
from tests.lab.faults_processes import some
from tests.lab.faults_stores import postgres
from tests.lab.host import run
from tests.lab.names import ZONE
from tests.lab.yard import Lab

add = CATALOGUE.add
HOURS = (1, -1, 25, -25)
FAR_DAYS = (-20_300, 5_000)
FAR_SECONDS = 5.0
SITE_CLOCK_SECONDS = 10.0


@contextmanager
def filled(directory: Path) -> Iterator[None]:
    """No byte is free on the disk of `directory`."""
    filler = directory / ".filler"
    with filler.open("wb", buffering=0) as file:
        block = bytes(1 << 20)
        while block:
            try:
                written = file.write(block) or 0
            except OSError:
                written = 0
            if written < len(block):
                block = block[: len(block) // 2]
    try:
        yield
    finally:
        filler.unlink()


@add("F23", "disk-full", expected="503 with Retry-After; state kept; goes on without repair", seconds=(2.0, 6.0))
def our_disk_full(lab: Lab, chance: random.Random) -> Iterator[Details]:
    with filled(lab.site.data):
        answer = lab.site.ask("POST", "/api/v1/jobs", {"queue": "default", "type": "oracle"})
        is_refused = (answer.status, "Retry-After" in answer.headers) == (503, True)
        yield {"wrong": [] if is_refused else [f"with the disk full, a job was answered {answer.status}"]}


@add("F23", "database-disk-full", expected="503; PostgreSQL recovers by itself", seconds=(2.0, 6.0), shapes=("site",))
def database_disk_full(lab: Lab, chance: random.Random) -> Iterator[Details]:
    with filled(postgres(lab).directory):
        yield {}
    if not postgres(lab).processes():
        postgres(lab).start()


@add("F31", "clock", expected="nothing fires twice, leases hold; on a site it blocks claims", seconds=(3.0, 6.0))
def wall_clock(lab: Lab, chance: random.Random) -> Iterator[Details]:
    hours = chance.choice(HOURS)
    lab.clock.write_text(str(hours * 3600))
    yield {"hours": hours}
    lab.clock.write_text("0")


@add(
    "F31",
    "clock-shown",
    expected="claims are blocked within 10 s, and health says why",
    is_random=False,
    shapes=("site",),
)
def wall_clock_shown(lab: Lab, chance: random.Random) -> Iterator[Details]:
    lab.clock.write_text("3600")
    pause = threading.Event()
    pause.wait(SITE_CLOCK_SECONDS)
    health = lab.site.ask("GET", "/healthz")
    told = health.json["parts"]["engine"] if health.body else {}
    wrong = [] if round(told.get("clock_off_seconds", 0)) == 3600 else [f"health tells {told} of a clock that is off"]
    began = lab.logs.started_since(time.time() - 1)
    yield {"wrong": [*wrong, *(["a job began by a clock that is off"] if began else [])], "health": told}
    lab.clock.write_text("0")


@add("F31", "clock-far", expected="1971 and 2040 are as good as any other time", seconds=(4.0, 6.0), is_random=False)
def wall_clock_far(lab: Lab, chance: random.Random) -> Iterator[Details]:
    past, future = FAR_DAYS
    lab.clock.write_text(str(past * 86400))
    threading.Event().wait(FAR_SECONDS)
    lab.clock.write_text(str(future * 86400))
    yield {"days": FAR_DAYS}
    lab.clock.write_text("0")


@add(
    "F32",
    "host-clock",
    expected="durations are the host's own; a wrong clock there does not matter",
    seconds=(4.0, 8.0),
)
def host_clock(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    offset = host.directory / "clock"
    offset.write_text(str(chance.choice((3600, -3600))))
    host.drop_sessions()
    host.start_sshd(f"SetEnv LD_PRELOAD={lab.directory / 'clock.so'} LAB_CLOCK={offset}")
    yield {"host": host.name}
    host.drop_sessions()
    host.start_sshd()


@add("F33", "names-silent", expected="bounded; other hosts go on", seconds=(5.0, 12.0))
def names_silent(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.hosts[-1]
    lab.names.is_silent = True
    host.drop_sessions()
    host.start_sshd()
    yield {"host": host.name}
    lab.names.is_silent = False


@add("F33", "names-slow", expected="connects late; other hosts go on", seconds=(5.0, 12.0))
def names_slow(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.hosts[-1]
    lab.names.delay_seconds = 4.0
    host.drop_sessions()
    host.start_sshd()
    yield {"host": host.name}
    lab.names.delay_seconds = 0.0


@add("F33", "names-wrong", expected="the key of the other machine is refused", seconds=(2.0, 6.0))
def names_wrong(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.hosts[-1]
    lab.names.addresses[f"{host.name}.{ZONE}"] = lab.hosts[0].address
    host.drop_sessions()
    host.start_sshd()
    yield {"host": host.name}
    lab.names.addresses[f"{host.name}.{ZONE}"] = host.address


@add("F39", "descriptors", expected="degrades and recovers; hangs nowhere", seconds=(2.0, 6.0))
def few_descriptors(lab: Lab, chance: random.Random) -> Iterator[Details]:
    kind = chance.choice(("engine", "web"))
    process = some(lab, kind, chance)
    limits = process.rlimit(resource.RLIMIT_NOFILE)
    process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds(), limits[1]))
    yield {"kind": kind, "pid": process.pid}
    if process.is_running():
        process.rlimit(resource.RLIMIT_NOFILE, limits)


@add("F39", "memory", expected="degrades or is started again; hangs nowhere", seconds=(2.0, 6.0))
def little_memory(lab: Lab, chance: random.Random) -> Iterator[Details]:
    kind = chance.choice(("engine", "web"))
    process = some(lab, kind, chance)
    limits = process.rlimit(resource.RLIMIT_AS)
    # Not even room for the stack of one more thread.
    process.rlimit(resource.RLIMIT_AS, (process.memory_info().vms + (1 << 20), limits[1]))
    yield {"kind": kind, "pid": process.pid}
    if process.is_running():
        process.rlimit(resource.RLIMIT_AS, limits)


@add("F40", "few-sessions", expected="what is refused waits its turn; no job fails for it", seconds=(3.0, 8.0))
def few_sessions(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.drop_sessions()
    host.start_sshd("MaxSessions 4", "MaxStartups 1:50:2")
    yield {"host": host.name}
    host.drop_sessions()
    host.start_sshd()


@add(
    "F41",
    "second-launcher",
    expected="a second site on one data directory refuses to start",
    seconds=(0.0, 0.0),
    shapes=("embedded",),
)
def second_launcher(lab: Lab, chance: random.Random) -> Iterator[Details]:
    done = subprocess.run(
        [*_manage(lab), "serve", "all"], env=lab.site.environment(), cwd=lab.site.directory,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    is_refused = done.returncode != 0 and "already served" in done.stderr
    yield {"wrong": [] if is_refused else [f"a second site was not refused: {done.stderr[-300:]}"]}


@add("F41", "second-engine", expected="just one more engine", seconds=(3.0, 6.0), shapes=("site",))
def second_engine(lab: Lab, chance: random.Random) -> Iterator[Details]:
    elsewhere = lab.directory / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    run("cp", "-a", lab.site.data / "keys", elsewhere)
    told = lab.site.environment() | {
        "BATCHYARD_DATA_DIR": str(elsewhere),
        "BATCHYARD_STORE": str(lab.site.data / "output"),
    }
    with (lab.site.directory / "elsewhere.log").open("ab") as log:
        engine = subprocess.Popen([*_manage(lab), "serve", "engine"], env=told, cwd=elsewhere, stdout=log, stderr=log)
    yield {"pid": engine.pid}
    psutil.Process(engine.pid).kill()
    engine.wait(20)


def _manage(lab: Lab) -> list[str]:
    return [sys.executable, str(lab.site.code / "manage.py")]
