from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from jobs.measures.history import Line
from jobs.measures.sampling import sample_once
from jobs.web.charts import HEIGHT, WIDTH, Figure, chart, level, per_minute
from tests.builders import make_job

BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
END = BEGIN + timedelta(minutes=320)  # a step is a minute


def after(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def test_a_curve_goes_from_left_to_right_and_up() -> None:
    line = Line("jobs", [(after(0), 0.0), (after(160), 4.0)])

    drawn = chart("Jobs", [Figure("jobs", level(line, begin=BEGIN, end=END))], begin=BEGIN, end=END, gaps=[])

    [curve] = drawn.curves
    assert curve.path.startswith(f"M0.0 {HEIGHT}.0L2.0 {HEIGHT}.0")
    assert curve.path.endswith(f"L{WIDTH}.0 0.0")
    assert (drawn.top, curve.last) == ("4", "4")


def test_what_nobody_looked_at_is_not_drawn() -> None:
    line = Line("jobs", [(after(0), 1.0)])

    drawn = chart(
        "Jobs",
        [Figure("jobs", level(line, begin=BEGIN, end=END))],
        begin=BEGIN,
        end=END,
        gaps=[(after(100), after(200))],
    )

    assert drawn.curves[0].path.count("M") == 2
    assert "L300.0" not in drawn.curves[0].path


def test_a_total_is_shown_by_how_it_rises() -> None:
    line = Line("answers", [(after(-10), 0.0), (after(1), 60.0), (after(2), 60.0), (after(3), 5.0)])

    values = dict(per_minute(line, begin=BEGIN, end=END))

    assert [values[after(minute)] for minute in (0, 1, 2, 3)] == [0, 60, 0, 0]


@pytest.mark.parametrize("asked", ["", "?last=1h", "?last=7d&queue=anytime", "?last=nonsense&queue=nosuch"])
def test_the_page_draws_what_was_looked_at(page: Client, site: None, asked: str) -> None:
    make_job()
    for minutes in (2, 1, 0):
        sample_once(at=timezone.now() - timedelta(minutes=minutes))

    shown = page.get(f"/monitoring/{asked}")

    assert shown.status_code == 200
    assert 'd="M' in shown.content.decode()


def test_a_state_has_the_colour_that_it_has_on_all_pages(page: Client, site: None) -> None:
    sample_once(at=timezone.now())

    shown = page.get("/monitoring/").content.decode()

    for label, colour in (("failed", "bad"), ("succeeded", "good"), ("running", "busy"), ("5xx", "bad")):
        assert re.search(rf'swatch curve-{colour}"\s+aria-hidden="true"></span>{label} ', shown), label


def test_only_who_may_do_everything_sees_it(looker: Client) -> None:
    assert looker.get("/monitoring/").status_code == 403
