"""The figures of the site as programs for batchd ask for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import User
from hosts import leases
from hosts.models import Host
from jobs.measures import history, sampling
from jobs.measures.reporting import report_web
from jobs.models import Job, Queue
from tests.api.parts import make_job
from tests.builders import MONDAY_NOON, grant, make_user
from tests.compat.batchd.asking import Asker

KEYS = {"name", "time", "daemon", "kind", "value", "text", "mean", "variance", "count", "sum", "min", "max"}
KEPT = {"New", "Processing", "Done", "Failed"}
# The four charts of batchd's monitoring page.
CHARTS = ("rts.gc.current_bytes_used", "batchd.wai.response_status_", "batchd.hosts", "batchd.jobs")
PERIOD = "from=2026-03-02T12:00:00&to=2026-03-02T12:10:00"


def after(minutes: float) -> datetime:
    return MONDAY_NOON + timedelta(minutes=minutes)


@pytest.fixture
def watched(furnished: Job, root: User) -> None:
    """The site was looked at twice: a job has come in between, and answers were given."""
    report_web("web-a", {"2xx": 3})
    sampling.sample_once(at=after(0))
    make_job(root, queue="free")
    report_web("web-a", {"2xx": 4, "4xx": 1})
    sampling.sample_once(at=after(5))


def now(ask: Asker, prefix: str) -> dict[str, Any]:
    return {record["name"]: record for record in ask("GET", f"monitor/{prefix}/current/plain")}


@pytest.mark.meets("BD-02", "BD-61")
def test_figures_are_told_as_they_are_now(ask: Asker, root: User) -> None:
    make_job(root, queue="free", is_held=True)

    told = now(ask, "batchd.queue.free")
    tree = ask("GET", "monitor/current/tree/")["batchd"]

    assert told["batchd.queue.free.jobs.Postponed"]["value"] == 1
    assert told["batchd.queue.free.jobs.Failed"]["value"] == 1
    assert set(told) == {f"batchd.queue.free.jobs.{word}" for word in tree["jobs"]}
    assert set(told["batchd.queue.free.jobs.Failed"]) == KEYS
    assert tree["jobs"]["Failed"] == {"type": "g", "val": 1}
    assert Asker(make_user("eve").username)("GET", "monitor/batchd.queue/current/plain") == []


@pytest.mark.meets("BD-47", "BD-61")
@pytest.mark.parametrize(
    ("taken", "word", "counts"),
    [
        pytest.param(0, "Free", (0, 0), id="free"),
        pytest.param(1, "Active", (1, 0), id="active"),
        pytest.param(4, "Busy", (0, 1), id="busy"),
    ],
)
def test_a_host_is_told_by_what_its_seats_do_now_and_then(
    ask: Asker, taken: int, word: str, counts: tuple[int, int]
) -> None:
    host = Host.objects.get(name="localhost")
    leases.take([leases.Loan(host.pk, seat, seat) for seat in range(taken)], at=after(0))
    sampling.sample_once(at=after(0))

    hosts = ask("GET", "monitor/current/tree")["batchd"]
    then = {one["name"]: one for one in ask("GET", f"monitor/batchd.host/query?{PERIOD}")}

    assert hosts["host"]["localhost"] == {"jobs": {"type": "g", "val": taken}, "status": {"type": "l", "val": word}}
    assert (hosts["hosts"]["active"]["val"], hosts["hosts"]["busy"]["val"]) == counts
    assert (then["batchd.host.localhost.jobs"]["value"], then["batchd.host.localhost.status"]["text"]) == (taken, word)
    assert (then["batchd.hosts.active"]["value"], then["batchd.hosts.busy"]["value"]) == counts


@pytest.mark.meets("BD-61")
def test_a_period_has_a_record_for_each_look(ask: Asker, watched: None) -> None:
    told = ask("GET", f"monitor/batchd.queue.free.jobs.New/query?{PERIOD}")

    assert [(one["time"], one["value"]) for one in told] == [
        ("2026-03-02T12:00:00.000000Z", 0), ("2026-03-02T12:05:00.000000Z", 1)
    ]  # fmt: skip
    assert told[0] == dict.fromkeys(KEYS) | {
        "name": "batchd.queue.free.jobs.New", "time": told[0]["time"], "daemon": "Both", "kind": "g", "value": 0
    }  # fmt: skip


@pytest.mark.meets("BD-61")
def test_the_last_seconds_have_what_the_charts_of_the_monitoring_page_draw(ask: Asker, root: User) -> None:
    report_web("web-a", {"2xx": 3})
    sampling.sample_once(at=datetime.now(tz=MONDAY_NOON.tzinfo))

    for prefix in CHARTS:
        told = ask("GET", f"monitor/{prefix}/query/?last=60")
        assert told, prefix
        assert all(one["name"].startswith(prefix) and isinstance(one["value"], int) for one in told), told
        assert now(ask, prefix).keys() >= {one["name"] for one in told}


@pytest.mark.meets("BD-61")
def test_the_last_record_of_a_figure_is_told_by_the_parts_of_its_name(ask: Asker, watched: None) -> None:
    told = ask("GET", "monitor/batchd.queue.free.jobs.New/last")

    record = told["batchd"]["queue"]["free"]["jobs"]["New"]
    assert (record["value"], record["time"]) == (1, "2026-03-02T12:05:00.000000Z")
    answers = ask("GET", "monitor/batchd.wai.response_status_2xx/last/")["batchd"]["wai"]["response_status_2xx"]
    assert (answers["kind"], answers["value"]) == ("c", 7)
    run = ask("GET", "monitor/batchd.job.duration/last")["batchd"]["job"]["duration"]
    assert (run["kind"], run["count"], run["mean"]) == ("d", 1, run["sum"])
    ask.refused("GET", "monitor/batchd.queue.free.jobs/last", status=404)


@pytest.mark.meets("BD-61")
def test_counts_of_jobs_over_a_period_are_told_by_queue_and_status(ask: Asker, watched: None) -> None:
    told = ask("GET", f"monitor/jobs?{PERIOD}")

    assert {frozenset(one) for one in told} == {frozenset({"time", "queue", "status", "jobs"})}
    assert {(one["queue"], one["status"]) for one in told} == {
        (queue, word) for queue in ("free", "nightly") for word in KEPT
    }
    free = [(one["time"][11:16], one["jobs"]) for one in told if (one["queue"], one["status"]) == ("free", "New")]
    assert free == [("12:00", 0), ("12:05", 1)]
    assert [one["time"] for one in told] == sorted(one["time"] for one in told)


@pytest.mark.meets("BD-61")
def test_what_is_forgotten_is_told_no_more(ask: Asker, watched: None, settings: LazySettings) -> None:
    settings.BATCHYARD_METRICS_DAYS = 1
    sampling.forget_once(at=after(3 * 24 * 60))

    told = ask("GET", f"monitor/batchd.queue.free.jobs.New/query?{PERIOD}")

    assert [one["time"][11:16] for one in told] == ["12:05"]


def test_everybody_is_told_of_what_they_may_see_whole(ask: Asker, watched: None) -> None:
    free = Queue.objects.get(name="free")
    grant(make_user("eve"), "ViewQueues", "ViewJobs", queue=free)
    grant(make_user("own"), "ViewQueues")
    make_user("nobody")

    seen = {
        name: {one["name"] for one in Asker(name)("GET", f"monitor/batchd/query?{PERIOD}")}
        for name in ("eve", "own", "nobody")
    }

    assert seen["eve"] == {f"batchd.queue.free.jobs.{word}" for word in KEPT}
    assert seen["own"] == seen["nobody"] == set()
    assert Asker("nobody")("GET", f"monitor/rts/query?{PERIOD}") == []
    Asker("nobody").refused("GET", "monitor/batchd.queue.free.jobs.New/last", status=404)


@pytest.mark.parametrize(
    "words",
    [
        "", "last=-1", "last=soon", "last=99999999999", "last=5&from=2026-03-02T12:00:00", "to=2026-03-02T12:00:00",
        "from=yesterday", "from=2026-03-02", "from=0001-01-01T00:00:00",
    ],
)  # fmt: skip
def test_a_period_that_makes_no_sense_is_refused(ask: Asker, words: str) -> None:
    for path in ("monitor/batchd/query", "monitor/jobs"):
        assert ask.refused("GET", f"{path}?{words}", status=400)


def test_an_answer_that_would_be_too_long_is_refused(
    ask: Asker, watched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.compat.batchd.figures.MOST_POINTS", 1)

    assert "longer prefix" in ask.refused("GET", f"monitor/batchd/query?{PERIOD}", status=400)


def test_without_any_look_nothing_is_told(ask: Asker) -> None:
    assert history.last_look() is None

    assert ask("GET", f"monitor/batchd/query?{PERIOD}") == []
    ask.refused("GET", "monitor/batchd.jobs.New/last", status=404)
