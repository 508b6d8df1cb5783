"""`python -m bench [--quick] [--peers] [--only NAME]... [--json PATH] [--directory DIR]`."""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.catalogue import MEASURES, Measure
from bench.machine import facts, inode_microseconds, remark
from bench.peers.environments import install
from bench.rows import Figures, NotMeasured, NotPossible, Plan, Row
from bench.table import as_json, table

# What the machine, the site or its answers may do; a mistake of the bench itself is shown whole.
FAILURES: Final = (NotMeasured, OSError, http.client.HTTPException, subprocess.SubprocessError, sqlite3.Error)


@dataclass(slots=True)
class Report:
    """What came out: rows, and what did not, with the reason."""

    rows: list[Row] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    inode_microseconds: dict[str, float] = field(default_factory=dict)


def main(argv: Sequence[str], *, measures: Mapping[str, Measure] = MEASURES) -> int:
    """Measure and tell. 1 if a measurement failed; a mark that is not reached is a figure, not a failure."""
    options = _options(argv, names=list(measures))
    if options.peers:
        install()
    began = datetime.now(UTC)
    report = Report()
    with _place(options.directory) as place:
        plan = Plan(place, options.quick)
        machine = facts(plan)
        for name in options.only or measures:
            _take(name, measures[name], plan=plan, report=report)
    sys.stdout.write(table(report.rows))
    sys.stdout.write(remark(report.inode_microseconds))
    for name, reason in report.skipped.items():
        sys.stdout.write(f"{name} is not possible here: {reason}\n")
    for name, reason in report.failed.items():
        sys.stdout.write(f"{name} failed: {reason}\n")
    _write(options.json, plan, {"began": began.isoformat(), "machine": machine}, report)
    return 1 if report.failed else 0


@contextmanager
def _place(directory: Path) -> Iterator[Path]:
    """One for all that is made, removed at the very end: files that were just removed make new ones dear."""
    with tempfile.TemporaryDirectory(prefix="by-bench-", dir=directory.resolve(), ignore_cleanup_errors=True) as text:
        # A peer's server may be of another account.
        Path(text).chmod(0o711)
        yield Path(text)


def _take(name: str, measure: Measure, *, plan: Plan, report: Report) -> None:
    sys.stderr.write(f"{name} ...\n")
    report.inode_microseconds[name] = inode_microseconds(plan.directory)
    began = time.monotonic()
    try:
        report.rows += measure(plan)
    except NotPossible as missing:
        report.skipped[name] = str(missing)
    except FAILURES as problem:
        report.failed[name] = f"{type(problem).__name__}: {problem}"
    report.seconds[name] = time.monotonic() - began


def _write(path: Path, plan: Plan, told: Figures, report: Report) -> None:
    rows = [as_json(row) for row in report.rows]
    rest = {
        "failed": report.failed, "not_possible": report.skipped, "seconds": report.seconds,
        "inode_microseconds": report.inode_microseconds,
    }  # fmt: skip
    content = {**told, "is_quick": plan.is_quick, "rows": rows, **rest}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _options(argv: Sequence[str], *, names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure a site of this machine.")
    parser.add_argument("--quick", action="store_true", help="small counts, for a first look")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), metavar="PATH", help="default: bench.json")
    parser.add_argument("--peers", action="store_true", help="first install the systems that ours is compared with")
    default = Path(tempfile.gettempdir())
    parser.add_argument("--directory", type=Path, default=default, help=f"where sites are made; default: {default}")
    return parser.parse_args(argv)


def _end_in_order(_number: int, _frame: object) -> None:
    sys.exit(1)


if __name__ == "__main__":
    # A plain SIGTERM would leave the site and its jobs behind.
    signal.signal(signal.SIGTERM, _end_in_order)
    sys.exit(main(sys.argv[1:]))
