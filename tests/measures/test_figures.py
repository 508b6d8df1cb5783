"""Figures as they are now, kept over time, and forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from hosts import leases
from hosts.models import HostState
from jobs.dispatch.tick import pass_once
from jobs.execution import ownership
from jobs.execution.finish import Final, finish_many
from jobs.execution.presence import report
from jobs.measures.figures import read_figures
from jobs.measures.history import Line, chosen, gaps, lines
from jobs.measures.reporting import memory_bytes, report_web
from jobs.measures.sampling import LOOKS, forget_once, sample_once
from jobs.models import Attempt, Point, Series
from jobs.outcomes import RetryRule, exited
from scheduler_site.answers import Answers
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue

pytestmark = pytest.mark.django_db

NO_RETRY = RetryRule(is_retry=False, is_later=False, count=0, delay=timedelta(0))


def after(minutes: float) -> datetime:
    return MONDAY_NOON + timedelta(minutes=minutes)


def run(seconds: int) -> None:
    """Let a job run so long, from its submission on."""
    make_job()
    [opened] = pass_once(at=MONDAY_NOON).started
    attempt = Attempt.objects.get(pk=opened.pk)
    [grip] = ownership.acquire([attempt.host_id], owner="engine-a")
    ended = MONDAY_NOON + timedelta(seconds=seconds)
    final = Final(
        attempt=attempt.pk, job=attempt.job_id, number=1, ending=exited(0), started_at=MONDAY_NOON,
        finished_at=ended, failures=0, rule=NO_RETRY,
    )  # fmt: skip
    finish_many([final], grip=grip, at=ended)


def test_figures_tell_of_jobs_runs_hosts_answers_and_memory() -> None:
    make_queue("nightly", enabled=False)
    make_job(queue="nightly")
    run(90)
    make_host("far", state=HostState.UNREACHABLE)
    report("engine-a")
    report_web("web-a", {"2xx": 3, "5xx": 1})
    report_web("web-a", {"2xx": 2})

    told = read_figures()

    assert (told["jobs.ready"], told["queue.nightly.jobs.ready"], told["queue.anytime.jobs.ready"]) == (1, 1, 0)
    assert (told["runs.count"], told["queue.anytime.ends.exited"], told["queue.nightly.starts"]) == (1, 1, 0)
    assert told["runs.seconds"] == told["queue.anytime.runs.seconds"] == pytest.approx(90, abs=0.01)
    assert (told["hosts.on"], told["hosts.unreachable"], told["host.far.state.unreachable"]) == (1, 1, 1)
    assert (told["http.2xx"], told["http.5xx"]) == (5, 1)
    assert (told["processes.web"], told["processes.engine"]) == (1, 1)
    assert memory_bytes() / 2 < told["memory.web"] < memory_bytes() * 2
    assert told["memory.engine"] > 1_000_000


def test_a_look_keeps_what_has_changed_and_one_a_minute_is_enough() -> None:
    make_queue("anytime")
    assert sample_once(at=after(0)) > 10

    assert sample_once(at=after(0.5)) == 0
    assert sample_once(at=after(1)) == 0
    make_job()
    make_job()
    assert sample_once(at=after(2)) > 0

    points = Point.objects.filter(series__name="queue.anytime.jobs.ready").order_by("at")
    assert list(points.values_list("at", "value")) == [(after(0), 0.0), (after(2), 2.0)]
    assert Series.objects.get(name="jobs.ready").value == 2


def test_figures_of_a_queue_that_is_gone_are_zero() -> None:
    queue = make_queue("gone", enabled=False)
    sample_once(at=after(0))
    Series.objects.filter(name="queue.gone.jobs.ready").update(value=7)
    queue.delete()

    sample_once(at=after(1))

    assert Series.objects.get(name="queue.gone.jobs.ready").value == 0


def told_of(name: str, *, begin: datetime, end: datetime) -> list[tuple[datetime, float]]:
    return lines(chosen(name=name), begin=begin, end=end)[0].points


def test_a_period_begins_with_the_value_that_held_then() -> None:
    make_queue("anytime")
    sample_once(at=after(0))
    make_job()
    sample_once(at=after(10))

    within = told_of("jobs.ready", begin=after(5), end=after(20))

    assert within == [(after(5), 0.0), (after(10), 1.0)]
    assert told_of("jobs.ready", begin=after(-9), end=after(-5)) == []
    assert Line("x", within).at(after(9.9)) == 0
    assert Line("x", within).at(after(4)) is None


def test_minutes_in_which_nobody_looked_are_known() -> None:
    for minute in (0, 1, 2, 12, 13):
        sample_once(at=after(minute))

    assert gaps(begin=after(0), end=after(14)) == [(after(2), after(12))]


@pytest.mark.meets("BD-61")
def test_figures_are_forgotten_after_a_while_but_not_how_it_is_now(settings: LazySettings) -> None:
    settings.BATCHYARD_METRICS_DAYS = 1
    make_queue("anytime")
    sample_once(at=after(0))
    make_job()
    sample_once(at=after(1))
    day = 24 * 60
    sample_once(at=after(day + 30))

    forget_once(at=after(day + 30))

    assert told_of("jobs.ready", begin=after(0), end=after(day + 30)) == [(after(1), 1.0)]
    assert Point.objects.filter(series__name=LOOKS).count() == 2
    assert told_of("jobs.ready", begin=after(day), end=after(day + 30)) == [(after(day), 1.0)]


def test_answers_that_cannot_be_reported_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str, told: object) -> None:
        raise OperationalError

    answers = Answers()
    answers.count(HttpResponse(status=404))
    with monkeypatch.context() as context:
        context.setattr("scheduler_site.answers.report_web", fails)
        context.setattr("scheduler_site.answers.connection", type("Closed", (), {"close": staticmethod(lambda: None)}))
        answers.report("web-a")
    answers.report("web-a")

    assert read_figures()["http.4xx"] == 1


@pytest.fixture
def api(db: None) -> APIClient:
    client = APIClient()
    client.force_login(User.objects.create_superuser("alice"))
    return client


@pytest.mark.meets("BD-61")
@pytest.mark.parametrize(
    ("asked", "points"),
    [
        pytest.param("from=2026-03-02T12:05:00Z&to=2026-03-02T12:20:00Z", [0.0, 1.0], id="period"),
        pytest.param("from=2026-03-02T12:11:00Z", [1.0], id="until now"),
        pytest.param("last=60", [1.0], id="last"),
    ],
)
def test_the_api_tells_figures_of_a_period(api: APIClient, asked: str, points: list[float]) -> None:
    make_queue("anytime")
    sample_once(at=after(0))
    make_job()
    sample_once(at=after(10))

    [told] = api.get(f"/api/v1/metrics?name=queue.anytime.jobs.ready&{asked}").json()["results"]

    assert told["name"] == "queue.anytime.jobs.ready"
    assert [point["value"] for point in told["points"]] == points


@pytest.mark.meets("BD-61")
def test_the_api_tells_figures_as_they_are_by_prefix(api: APIClient) -> None:
    make_queue("anytime")
    make_queue("any_time")
    make_job()
    sample_once(at=after(0))

    told = api.get("/api/v1/metrics?prefix=queue.anytime.jobs.").json()["results"]

    assert {one["name"]: one["value"] for one in told} == {
        f"queue.anytime.jobs.{state}": float(state == "ready")
        for state in ("blocked", "cancelled", "failed", "ready", "running", "skipped", "succeeded")
    }


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("last=-1", "out_of_range"),
        ("last=99999999999", "out_of_range"),
        ("last=1&from=2026-03-02T12:00:00Z", "two_periods"),
        ("to=2026-03-02T12:00:00Z", "required"),
        ("from=yesterday", "bad_time"),
        ("from=2026-03-02T12:00:00Z&to=2026-03-01T12:00:00Z", "out_of_range"),
        ("color=red", "unknown_parameter"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(api: APIClient, asked: str, code: str) -> None:
    answer = api.get(f"/api/v1/metrics?{asked}")

    assert answer.status_code == 400
    assert answer.json()["code"] == code, answer.json()


@pytest.mark.meets("BD-47")
def test_the_state_of_a_host_and_its_taken_seats_are_told_by_api_pages_and_figures(
    api: APIClient, client: Client
) -> None:
    since = after(-5)
    host = make_host("far", state=HostState.UNREACHABLE, state_since=since, seats=3)
    leases.take([leases.Loan(host.pk, seat, seat) for seat in range(2)], at=MONDAY_NOON)
    client.force_login(User.objects.get(username="alice"))

    told = api.get("/api/v1/hosts/far").json()
    page = client.get("/monitoring/")
    listed = client.get("/admin/hosts/host/").context["cl"].result_list.get()
    scraped = client.get("/metrics").content.decode()
    kept = read_figures()

    assert (told["state"], told["state_since"]) == ("unreachable", "2026-03-02T11:55:00Z")
    assert [(one.label, one.taken, one.seats) for one in page.context["hosts"]] == [("unreachable", 2, 3)]
    assert "unreachable" in page.content.decode()
    assert (listed.state, listed.state_since, listed._taken) == ("unreachable", since, 2)
    assert 'batchyard_host_state{host="far",state="unreachable"} 1.0' in scraped
    assert 'batchyard_host_seats_taken{host="far"} 2.0' in scraped
    assert (kept["host.far.state.unreachable"], kept["host.far.jobs"]) == (1, 2)
