"""A bench leaves nothing running."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.processes import belonging, until
from bench.rows import Plan
from bench.site import running_site


@pytest.mark.scenario
def test_a_site_and_its_running_jobs_have_ended_at_the_end(tmp_path: Path) -> None:
    with running_site(Plan(tmp_path, is_quick=True)) as site:
        site.define_type("silent", template="exec sleep 600")
        site.submit("silent", count=2)
        site.wait_running(2, seconds=30)
        marks = site.marks
        elsewhere = tmp_path / "nowhere"
        until(lambda: len(belonging(directory=elsewhere, marks=marks)) == 2, seconds=10, what="both carry a mark")

    assert belonging(directory=tmp_path, marks=marks) == []
