"""A few rows of the fault matrix on each shape of a site, short enough for every change. `make chaos` has them all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from tests.lab.isolation import INSIDE, missing_part
from tests.scenarios.site import ROOT
from tests.servers.parts import missing

pytestmark = [pytest.mark.scenario, pytest.mark.needs_root, pytest.mark.xdist_group("lab")]

SECONDS = 600
SELECTED = {
    "embedded": "F2-engine-killed,F14-answers-lost,F19-reboot,F23-disk-full",
    "site": "F7-redis-flushed,F8-postgres-killed,F8-postgres-read-only",
}


@pytest.mark.parametrize("shape", SELECTED)
def test_nothing_is_lost_doubled_or_stuck(shape: str) -> None:
    if part := missing_part():
        missing(part)
    words = ["--shape", shape, "--faults", SELECTED[shape], "--hosts", "1", "--seed", "7", "--without-windows"]
    environment = {name: value for name, value in os.environ.items() if name != INSIDE}

    # Not pytest's own directory: the accounts of the lab's hosts may not enter that.
    with tempfile.TemporaryDirectory(prefix="by-lab-") as directory:
        done = subprocess.run(
            [sys.executable, "-m", "tests.lab", *words, "--report", directory],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
