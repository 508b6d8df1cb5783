"""Nothing starts by a clock that cannot be believed, and explain says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from jobs.dispatch.clocks import ahead_of_database
from jobs.dispatch.explain import explain, reasons
from jobs.dispatch.tick import pass_once
from jobs.models import Engine
from tests.builders import MONDAY_NOON, make_job

pytestmark = pytest.mark.django_db


def engine(name: str, *, clock_off: timedelta) -> None:
    off = round(clock_off.total_seconds() * 1000)
    Engine.objects.create(name=name, started_at=Now(), seen_at=Now(), clock_off_ms=off)


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [
        pytest.param(2, 1, id="two seconds ahead"),
        pytest.param(2.1, 0, id="more"),
        pytest.param(-3600, 0, id="an hour behind"),
    ],
)
def test_an_engine_whose_clock_is_off_starts_nothing(seconds: float, starts: int) -> None:
    make_job()

    look = pass_once(at=MONDAY_NOON, clock_off=timedelta(seconds=seconds))

    assert len(look.started) == starts


def test_explain_tells_of_the_clock_if_no_engine_has_the_right_time() -> None:
    job = make_job()
    engine("far", clock_off=timedelta(hours=-1))
    engine("near", clock_off=timedelta(seconds=5))

    [blocker] = explain(job, at=MONDAY_NOON)

    assert blocker.kind == "clock_off"
    assert "5.0 s ahead of" in blocker.message
    assert reasons([job], at=MONDAY_NOON)[job.pk] == [blocker]


def test_one_engine_with_the_right_time_is_enough() -> None:
    job = make_job()
    engine("far", clock_off=timedelta(hours=-1))
    engine("right", clock_off=timedelta(milliseconds=-30))

    assert explain(job, at=MONDAY_NOON) == []


def test_the_clock_of_this_machine_agrees_with_a_database_on_it() -> None:
    assert abs(ahead_of_database(timezone.now)) < timedelta(seconds=1)
