"""What an engine carries along for as long as it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = """
import json, sys
from scheduler_site.engine import engine
engine(has_beat=True)
print(json.dumps(sorted(sys.modules)))
"""
# Pages, what draws them, and a shell for people: 30 MiB.
NOT_FOR_ENGINES = {"scheduler_site.urls", "unfold.admin", "rest_framework.views", "prompt_toolkit"}


def test_an_engine_imports_its_tasks_and_no_pages() -> None:
    command = [sys.executable, "-c", MODULES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    found = set(json.loads(done.stdout))

    assert "jobs.tasks" in found
    assert found & NOT_FOR_ENGINES == set()
