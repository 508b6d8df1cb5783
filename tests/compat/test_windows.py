"""When jobs start and when not, at chosen times."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from hosts.models import Host
from jobs.dispatch.explain import explain
from jobs.models import Attempt, JobState
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue, make_schedule
from tests.compat.passes import started

pytestmark = pytest.mark.django_db

DAYTIME = {"begin": time(8), "end": time(19)}
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.meets("BD-16")
@pytest.mark.parametrize(
    ("windows", "is_started"),
    [
        pytest.param((), True, id="nothing said"),
        pytest.param(({"weekdays": [0]},), True, id="the weekday"),
        pytest.param(({"weekdays": [1]},), False, id="another weekday"),
        pytest.param((DAYTIME,), True, id="the time"),
        pytest.param(({"begin": time(13), "end": time(19)},), False, id="another time"),
        pytest.param(({"weekdays": [0], **DAYTIME},), True, id="both"),
        pytest.param(({"weekdays": [1], **DAYTIME},), False, id="the time on another weekday"),
        pytest.param(({"begin": time(1), "end": time(2)}, DAYTIME), True, id="one of several periods"),
    ],
)
def test_a_job_starts_if_weekday_and_a_period_allow_it(windows: tuple[dict[str, Any], ...], is_started: bool) -> None:
    make_queue("windowed", schedule=make_schedule(windows=windows))
    job = make_job(queue="windowed", at=MONDAY_NOON)

    assert started(MONDAY_NOON) == ([job.pk] if is_started else [])


@pytest.mark.meets("BD-17")
@pytest.mark.parametrize(
    ("moment", "is_started"),
    [
        pytest.param(time(7, 59, 59), False, id="a second before it opens"),
        pytest.param(time(8), True, id="as it opens"),
        pytest.param(time(18, 59, 59), True, id="its last second"),
        pytest.param(time(19), False, id="as it closes"),
    ],
)
def test_a_window_includes_its_begin_and_not_its_end(moment: time, is_started: bool) -> None:
    make_queue("days", schedule=make_schedule(windows=(DAYTIME,)))
    job = make_job(queue="days", at=MIDNIGHT)

    assert started(datetime.combine(MIDNIGHT, moment, UTC)) == ([job.pk] if is_started else [])


@pytest.mark.meets("BD-19")
@pytest.mark.parametrize(
    ("day", "opens_at_hour"),
    [
        pytest.param(datetime(2026, 3, 28, tzinfo=UTC), 7, id="the day before clocks go forward"),
        pytest.param(datetime(2026, 3, 29, tzinfo=UTC), 6, id="the day on which they do"),
        pytest.param(datetime(2026, 10, 24, tzinfo=UTC), 6, id="the day before they go back"),
        pytest.param(datetime(2026, 10, 25, tzinfo=UTC), 7, id="the day on which they do back"),
    ],
)
def test_windows_and_start_times_go_by_the_zone_of_the_schedule(day: datetime, opens_at_hour: int) -> None:
    make_queue("days", schedule=make_schedule(zone="Europe/Berlin", windows=(DAYTIME,)))
    opens = day + timedelta(hours=opens_at_hour)
    job = make_job(queue="days", at=day, not_before=opens - timedelta(minutes=1))

    assert started(opens - timedelta(seconds=1)) == []
    [blocker] = explain(job, at=opens - timedelta(seconds=1))
    assert (blocker.kind, blocker.until) == ("window_closed", opens)
    assert started(opens) == [job.pk]


@pytest.mark.meets("BD-20")
def test_a_job_whose_time_is_outside_the_window_waits_for_the_next_opening() -> None:
    make_queue("days", schedule=make_schedule(windows=(DAYTIME,)))
    due, opens = MIDNIGHT + timedelta(hours=20), MIDNIGHT + timedelta(days=1, hours=8)
    job = make_job(queue="days", at=MIDNIGHT, not_before=due)

    told = {blocker.kind: blocker.until for blocker in explain(job, at=MIDNIGHT)}
    assert told == {"not_due": due, "window_closed": MIDNIGHT + timedelta(hours=8)}
    assert started(MIDNIGHT + timedelta(hours=12)) == []
    assert started(due) == []
    assert [blocker.until for blocker in explain(job, at=due)] == [opens]
    assert started(opens) == [job.pk]


@pytest.mark.meets("BD-21")
def test_a_window_that_closes_keeps_what_waits_and_leaves_what_runs() -> None:
    make_host(seats=1)
    make_queue("days", schedule=make_schedule(windows=(DAYTIME,)))
    runs, waits = (make_job(queue="days", at=MIDNIGHT) for _ in range(2))
    before, after = MIDNIGHT + timedelta(hours=18, minutes=59), MIDNIGHT + timedelta(hours=19)
    assert started(before) == [runs.pk]

    Host.objects.update(seats=2)

    assert started(after) == []
    assert "window_closed" in [blocker.kind for blocker in explain(waits, at=after)]
    attempt = Attempt.objects.get(job=runs)
    assert (attempt.finished_at, attempt.request, attempt.job.state) == (None, "", JobState.RUNNING)


@pytest.mark.meets("BD-23")
def test_jobs_start_in_the_order_in_which_they_were_submitted() -> None:
    make_host(seats=5)
    jobs = [make_job(at=MIDNIGHT + timedelta(seconds=number)).pk for number in range(5)]

    assert started(MONDAY_NOON + timedelta(days=1)) == jobs


@pytest.mark.meets("BD-40")
def test_a_job_for_which_nobody_names_a_host_runs_on_this_machine() -> None:
    make_host("other")
    make_job()

    started(MONDAY_NOON)

    assert Attempt.objects.get().host == make_host("localhost")
