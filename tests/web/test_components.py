from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.test import Client
from django.utils import timezone

from jobs.models import JobState
from jobs.models.attempt import Outcome, Phase
from scheduler_site.pages import icons
from scheduler_site.templatetags.pages import MARKS, PHASE_MARKS, TONE_MARKS, duration, relative
from tests.web.parts import text

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST_LOAD_BYTES = 150_000


def rendered(line: str, **told: object) -> str:
    return Template("{% load pages %}" + line).render(Context(told))


def words(line: str, **told: object) -> str:
    return " ".join(re.sub("<[^>]*>", " ", rendered(line, **told)).split())


@pytest.mark.parametrize("state", JobState.values)
def test_a_state_is_told_by_colour_drawing_and_word(state: str) -> None:
    badge = rendered("{% state_badge state %}", state=state)

    assert f"state-{state}" in badge
    assert f"#{MARKS[JobState(state)]}" in badge
    assert words("{% state_badge state %}", state=state) == state


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param('{% state_badge "running" "paused" %}', "paused", id="a phase"),
        pytest.param('{% state_badge "running" "running" %}', "running", id="work that goes on"),
        pytest.param('{% state_badge "failed" "" "timed_out" %}', "failed over its time limit", id="an outcome"),
        pytest.param('{% state_badge "failed" "" "exited" %}', "failed", id="an outcome that says nothing more"),
        pytest.param('{% state_badge "blocked" "" "" True %}', "blocked held", id="held"),
        pytest.param('{% state_badge "succeeded" "" "exited" True %}', "succeeded", id="held, but over"),
    ],
)
def test_a_badge_says_what_the_state_alone_does_not(line: str, said: str) -> None:
    assert words(line) == said


@pytest.mark.parametrize(
    ("away", "said"),
    [
        pytest.param(timedelta(seconds=-2), "just now", id="now"),
        pytest.param(timedelta(seconds=-90), "90 s ago", id="seconds"),
        pytest.param(timedelta(minutes=-42), "42 min ago", id="minutes"),
        pytest.param(timedelta(minutes=-119), "119 min ago", id="not yet two hours"),
        pytest.param(timedelta(hours=7), "in 7 h", id="ahead"),
        pytest.param(timedelta(hours=6, minutes=59, seconds=59), "in 7 h", id="rounded"),
        pytest.param(timedelta(days=-3), "3 d ago", id="days"),
    ],
)
def test_a_moment_is_told_from_now(away: timedelta, said: str) -> None:
    assert relative(NOON + away, now=NOON) == said


@pytest.mark.parametrize(
    ("length", "said"),
    [
        pytest.param(timedelta(seconds=0.42), "0.4 s", id="short"),
        pytest.param(timedelta(seconds=-1), "0.0 s", id="clocks apart"),
        pytest.param(timedelta(seconds=192), "3 min 12 s", id="minutes"),
        pytest.param(timedelta(hours=2, minutes=5, seconds=9), "2 h 5 min", id="hours"),
        pytest.param(timedelta(days=4, hours=1), "4 d 1 h", id="days"),
    ],
)
def test_a_length_is_told_in_its_two_largest_units(length: timedelta, said: str) -> None:
    assert duration(length) == said


def test_a_moment_tells_its_date_and_zone() -> None:
    shown = rendered("{% when at %}", at=NOON)

    assert 'datetime="2026-03-02T12:00:00+00:00"' in shown
    assert 'title="2026-03-02 12:00:00 UTC" data-at>2026-03-02 12:00:00</time>' in shown


@pytest.mark.parametrize(("is_date", "said"), [(True, "03-02"), (False, "12:00")])
def test_an_axis_tells_time_or_date_and_all_of_it_as_a_title(is_date: bool, said: str) -> None:
    shown = rendered("{% tick at is_date=is_date %}", at=NOON, is_date=is_date)

    assert f">{said}</time>" in shown
    assert 'title="2026-03-02 12:00:00 UTC"' in shown


def test_what_never_happened_is_a_dash() -> None:
    assert words("{% when at %}{% elapsed at %}", at=None) == "– –"


def test_what_goes_on_counts_on() -> None:
    assert "data-since=" in rendered("{% elapsed at %}", at=timezone.now())
    assert "data-since=" not in rendered("{% elapsed at at %}", at=timezone.now())


def test_every_drawing_that_is_used_exists() -> None:
    templates = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    used = {*re.findall(r'{% icon "([a-z]+)"', templates), *re.findall(r'mark="([a-z]+)"', templates)}
    used |= {*MARKS.values(), *PHASE_MARKS.values(), *TONE_MARKS.values()}

    assert len(used) > 20
    assert used - set(icons()) == set()


def test_the_page_of_components_shows_every_state_phase_and_outcome(page: Client) -> None:
    shown = text(page.get("/components/"))

    for word in (*JobState.labels, *Phase.labels, *Outcome.labels[1:2]):
        assert str(word) in shown


@pytest.mark.parametrize("address", ["/components/", "/accounts/tokens/", "/accounts/password/", "/queues/", "/jobs/"])
def test_no_page_has_a_script_or_style_inside_it(page: Client, address: str) -> None:
    shown = page.get(address).content.decode()

    assert not re.search(r"<script(?![^>]*\bsrc=)", shown)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", shown)


def test_a_first_load_is_light_and_from_here(page: Client) -> None:
    shown = page.get("/components/").content.decode()
    named = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', shown))

    weights = {name: len(gzip.compress(static(name).read_bytes())) for name in named}

    assert len(named) >= 5
    assert not re.search(r'(?:src|href)="(?:https?:)?//', shown)
    assert sum(weights.values()) + len(gzip.compress(shown.encode())) < FIRST_LOAD_BYTES


def static(address: str) -> Path:
    return Path(str(finders.find(address.removeprefix("/static/"))))


def test_the_navigation_marks_where_one_is(page: Client) -> None:
    shown = page.get("/jobs/").content.decode()

    assert re.findall(r'<a href="([^"]+)" aria-current="page">', shown) == ["/jobs/"]


def test_only_staff_are_led_to_the_admin_pages(looker: Client, page: Client) -> None:
    assert 'href="/admin/"' not in looker.get("/components/").content.decode()
    assert 'href="/admin/"' in page.get("/components/").content.decode()
