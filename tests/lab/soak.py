"""`python -m tests.lab.soak MINUTES`: ten jobs a second for as long as is said, and whether any process grows.

Runs an embedded site in namespaces of its own. The first tenth is for warming up; after it memory, descriptors,
threads and database connections of each process may not grow by a twentieth.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

from tests.lab import isolation
from tests.lab.records import Ledger
from tests.lab.site import LabSite

JOBS_PER_SECOND: Final = 10
SEATS: Final = 8
SAMPLES: Final = 300
GROWTH_LIMIT: Final = 0.05
# So much more of a thing that is counted is no growth: a connection that happens to be open at that moment.
COUNT_SLACK: Final = {"descriptors": 3, "threads": 2, "connections": 2}
KINDS: Final = ("launcher", "web", "engine", "broker")
MEASURES: Final = ("memory_kib", "descriptors", "threads", "connections")
Sample = dict[str, dict[str, float]]


def sample(site: LabSite) -> Sample:
    """What each process of the site has at this moment, by kind."""
    found: Sample = {}
    for kind in KINDS:
        for process in site.processes(kind):
            try:
                found[kind] = measured(process)
            except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                continue
    return found


def measured(process: psutil.Process) -> dict[str, float]:
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    opened = [_target(entry) for entry in Path(f"/proc/{process.pid}/fd").iterdir()]
    return {
        "memory_kib": pss, "descriptors": len(opened), "threads": process.num_threads(),
        "connections": sum(name.endswith("batchyard.sqlite3") for name in opened),
    }  # fmt: skip


def _target(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except FileNotFoundError:
        return ""


def growth(samples: Sequence[Sample]) -> list[dict[str, object]]:
    """For each process and measure: the median of the second tenth, that of the last, and whether that is growth."""
    tenth = max(1, len(samples) // 10)
    early, late = samples[tenth : 2 * tenth], samples[-tenth:]
    rows: list[dict[str, object]] = []
    for kind in KINDS:
        for measure in MEASURES:
            before, after = (_median(part, kind, measure) for part in (early, late))
            is_growth = after > before * (1 + GROWTH_LIMIT) + COUNT_SLACK.get(measure, 0)
            rows.append({"process": kind, "measure": measure, "before": before, "after": after, "grows": is_growth})
    return rows


def _median(samples: Sequence[Sample], kind: str, measure: str) -> float:
    values = [one[kind][measure] for one in samples if kind in one]
    return statistics.median(values) if values else 0.0


def hand_in(site: LabSite, over: threading.Event, taken: dict[int, int]) -> None:
    """Ten jobs each second, together."""
    one = {"queue": "default", "type": "command", "host": "localhost", "params": {"command": "echo done"}}
    second = time.monotonic()
    while not over.wait(max(0.0, second - time.monotonic())):
        second += 1.0
        answer = site.ask("POST", "/api/v1/jobs/bulk", {"jobs": [one] * JOBS_PER_SECOND})
        taken[answer.status] += JOBS_PER_SECOND


def soak(directory: Path, *, minutes: float) -> int:
    """Run it. 0 if nothing grows and every job was taken and ended."""
    site, ledger, samples = LabSite("embedded", directory), Ledger(directory / "samples.jsonl"), []
    over, taken = threading.Event(), defaultdict[int, int](int)
    try:
        site.start()
        site.call("PATCH", "hosts/localhost", {"seats": SEATS})
        threading.Thread(target=hand_in, args=(site, over, taken), daemon=True).start()
        every = max(1.0, minutes * 60 / SAMPLES)
        until = time.monotonic() + minutes * 60
        while time.monotonic() < until:
            over.wait(every)
            samples.append(sample(site))
            ledger.write(at=time.time(), **samples[-1])
        over.set()
        return report(directory, samples, taken=dict(taken), left=left(site))
    finally:
        over.set()
        site.stop()


def left(site: LabSite) -> int:
    """How many jobs have not ended a minute after the last one came."""
    pause = threading.Event()
    for _ in range(60):
        waiting = [len(site.call("GET", f"jobs?state={s}&page_size=500")["results"]) for s in ("ready", "running")]
        if not sum(waiting):
            break
        pause.wait(1)
    return sum(waiting)


def report(directory: Path, samples: Sequence[Sample], *, taken: dict[int, int], left: int) -> int:
    rows = growth(samples)
    for row in rows:
        mark = "GROWS" if row["grows"] else ""
        sys.stdout.write(f"{row['process']:10} {row['measure']:12} {row['before']:>10} {row['after']:>10} {mark}\n")
    is_clean = not any(row["grows"] for row in rows) and set(taken) == {201} and not left
    told = {"clean": is_clean, "taken": taken, "left": left, "samples": len(samples), "rows": rows}
    (directory / "soak.json").write_text(json.dumps(told, indent=1))
    sys.stdout.write(f"jobs by answer {taken}, not ended {left}, evidence in {directory}\n")
    return 0 if is_clean else 1


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.soak", description=__doc__)
    parser.add_argument("minutes", type=float)
    options = parser.parse_args(argv)
    if not isolation.is_inside():
        if missing := isolation.missing_part():
            sys.stderr.write(f"The soak needs {missing}.\n")
            return 3
        return isolation.go_inside(*argv, module="tests.lab.soak")
    isolation.prepare()
    directory = Path(tempfile.mkdtemp(prefix="by-soak-"))
    return soak(directory, minutes=options.minutes)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    sys.exit(main(sys.argv[1:]))
