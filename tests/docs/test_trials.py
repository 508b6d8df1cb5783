"""The trials of deploy/ run commands that stand in docs/deploy.md: each heading that they name has some."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

NAMED = re.compile(r"^\s*documented '([^']+)'", re.MULTILINE)
TRIALS = [ROOT / "deploy/try-containers", ROOT / "deploy/try-systemd"]


def printed(heading: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "deploy/documented", heading], capture_output=True, text=True, check=False)


def commands(heading: str) -> list[str]:
    """Without what ends the script after each of them."""
    return printed(heading).stdout.splitlines()[::2]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_a_trial_finds_the_commands_that_it_runs(trial: Path) -> None:
    headings = NAMED.findall(trial.read_text(encoding="utf-8"))

    assert len(headings) >= 5
    assert [heading for heading in headings if not commands(heading)] == []


def test_commands_end_with_their_section() -> None:
    assert commands("### Upgrade with containers")[-1] == "docker compose up -d"


def test_a_heading_without_commands_is_told() -> None:
    told = printed("## What to watch")

    assert told.returncode == 1
    assert told.stderr == "docs/deploy.md has no commands beneath ## What to watch\n"
