"""`python -m tests.lab`: breaks a site of real processes on purpose, and proves what came of it."""

from __future__ import annotations

import argparse
import json
import logging
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.lab import (
    faults_hosts,
    faults_jobs,
    faults_limits,
    faults_processes,
    faults_shown,
    faults_stores,
    faults_upgrade,
    isolation,
)
from tests.lab.driver import Driver
from tests.lab.fault import CATALOGUE
from tests.lab.yard import Lab

# Importing them fills the catalogue.
FAULT_MODULES = (
    faults_hosts,
    faults_jobs,
    faults_limits,
    faults_processes,
    faults_shown,
    faults_stores,
    faults_upgrade,
)
logger = logging.getLogger("lab")


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="repeats a run; told at its start")
    parser.add_argument("--faults", default="", help="rows or codes, with commas: F13,F2-engine-killed; default: all")
    parser.add_argument("--count", type=int, default=0, help="how many; default: each once")
    parser.add_argument("--shape", choices=["site", "embedded"], default="site")
    parser.add_argument("--hold", type=float, help="seconds that each fault stands, instead of its own")
    parser.add_argument("--without-windows", action="store_true", help="no jobs that wait for a minute to begin")
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--report", type=Path, help="directory in which the evidence is kept")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """0: nothing was lost, doubled, stuck or wrong, and every fault was met. 3: the lab cannot be built here."""
    options = arguments(argv)
    faults = CATALOGUE.chosen([word for word in options.faults.split(",") if word], shape=options.shape)
    if not isolation.is_inside():
        if missing := isolation.missing_part():
            sys.stderr.write(f"The lab needs {missing}.\n")
            return 3
        return isolation.go_inside(*argv, *([] if "--seed" in argv else ["--seed", str(options.seed)]))
    isolation.prepare()
    directory = Path(options.report or tempfile.mkdtemp(prefix="by-lab-")).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    logger.info(
        "seed %d, shape %s, %d kinds of fault, evidence in %s", options.seed, options.shape, len(faults), directory
    )
    lab = Lab(directory, shape=options.shape, hosts=options.hosts)
    try:
        lab.start()
        count = options.count or len(faults)
        has_windows = not options.without_windows
        Driver(lab, faults, seed=options.seed, count=count, hold=options.hold, has_windows=has_windows).run()
    except KeyboardInterrupt:
        logger.info("broken off; everything is healed and taken down")
        return 130
    finally:
        lab.stop()
    return report(directory)


def report(directory: Path) -> int:
    """Let the checker decide, and write down what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.checker", str(directory)], capture_output=True, text=True, check=False
    )
    if not done.stdout:
        raise RuntimeError(done.stderr)
    (directory / "report.json").write_text(done.stdout)
    sys.stdout.write(readable(json.loads(done.stdout)))
    return done.returncode


def readable(verdict: dict[str, object]) -> str:
    """The report for people."""
    lines = [f"{name}: {value}" for name, value in verdict.items() if name != "violations"]
    violations = verdict["violations"]
    assert isinstance(violations, dict)
    for kind, found in violations.items():
        lines += [f"{kind}: {len(found)}", *(f"    {one}" for one in found[:10])]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
