"""Whatever the site asks its database costs the same with very many jobs: no table of jobs is read whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Final

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from hosts.models import Host
from jobs.config import retention
from jobs.config.retention import prune_once
from jobs.dispatch.explain import explain, reasons
from jobs.dispatch.tick import dispatch_once, pass_once
from jobs.execution import finish, ownership, presence, runs
from jobs.execution.conductor import Conductor
from jobs.models import Job, Queue
from jobs.outcomes import exited
from jobs.queueing import control
from jobs.queueing.submit import Request, submit_many
from jobs.tallies.totals import fold_once
from scheduler_site import health
from tests.plans.work import Work, work_of

pytestmark = [pytest.mark.xdist_group("plans"), pytest.mark.scenario]

# Enough for a page of 100 rows with all around it; a scan of the smaller stock is 10 times as much.
MOST: Final = {"postgresql": 6_000, "sqlite": 150_000}
LISTS: Final = [
    "",
    "?page_size=500",
    "?queue=default",
    "?queue=rare",
    "?type=command",
    "?type=rare",
    "?host=far",
    "?owner=admin",
    "?owner=rare",
    "?state=succeeded",
    "?state=ready",
    "?state=failed",
    "?state=blocked",
    "?state=running",
    "?state=ready,blocked",
    "?state=failed,cancelled",
    "?state=succeeded,failed,cancelled,skipped",
    "?queue=default&state=ready",
    "?queue=default&state=succeeded",
    "?queue=rare&state=failed",
    "?queue=default&type=command&owner=admin&state=succeeded",
    "?created_after=2026-03-02T12:00:00Z",
    "?created_after=2099-01-01T00:00:00Z",
    "?created_before=2026-03-03T00:00:00Z",
    "?created_before=2000-01-01T00:00:00Z",
    "?created_after=2026-03-10T00:00:00Z&created_before=2026-03-11T00:00:00Z",
]


@pytest.fixture
def client(stocked: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="admin"))
    return client


def check(stocked: str, operation: Callable[[], object]) -> None:
    """Each of the statements looks at few rows, and none reads a table of jobs whole."""
    most = MOST[stocked]
    costly: list[Work] = [work for work in work_of(operation) if work.units > most or work.scans]

    assert not costly, "\n".join(map(str, costly))


def answered(client: Client, path: str) -> Callable[[], object]:
    def ask() -> object:
        answer = client.get(path)
        assert answer.status_code == 200, answer.content[:500]
        return answer

    return ask


@pytest.mark.meets("BD-62")
@pytest.mark.parametrize("query", LISTS)
def test_a_list_of_jobs(stocked: str, client: Client, query: str) -> None:
    check(stocked, answered(client, f"/api/v1/jobs{query}"))


@pytest.mark.parametrize("query", ["", "?state=succeeded", "?queue=default", "?created_after=2026-03-02T12:00:00Z"])
def test_pages_far_from_the_first(stocked: str, client: Client, query: str) -> None:
    there, path = [], f"/api/v1/jobs{query}"
    for _ in range(3):
        told = client.get(path).json()
        path = told["next"].partition("testserver")[2]
        there.append(path)
    back = client.get(path).json()["previous"].partition("testserver")[2]

    check(stocked, answered(client, there[-1]))
    check(stocked, answered(client, back))


@pytest.mark.parametrize("name", ["queues", "queues/default", "stats", "hosts", "job-types", "schedules"])
def test_other_lists(stocked: str, client: Client, name: str) -> None:
    check(stocked, answered(client, f"/api/v1/{name}"))


@pytest.mark.parametrize("part", ["", "/events", "/explain"])
def test_one_job(stocked: str, client: Client, part: str) -> None:
    job = Job.objects.filter(state="succeeded").latest("id")

    check(stocked, answered(client, f"/api/v1/jobs/{job.pk}{part}"))


@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
def test_what_watches_the_site(stocked: str, client: Client, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    presence.report("an engine")
    # It asks the database nothing, and would wait for a broker that is not there.
    monkeypatch.delitem(health.CHECKS, "broker")

    check(stocked, lambda: client.get(path))


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/", "/jobs/?state=failed", "/jobs/?queue=rare", "/jobs/?type=rare", "/jobs/?owner=rare",
        "/jobs/?state=finished", "/jobs/?queue=default&state=waiting", "/jobs/?queue=rare&state=finished",
        "/jobs/?before=100000", "/jobs/?after=100000", "/queues/", "/queues/rare/", "/stats/",
    ],
)  # fmt: skip
def test_a_page_for_people(stocked: str, client: Client, path: str) -> None:
    check(stocked, answered(client, path))


def let_in(seats: int) -> None:
    Host.objects.filter(name="localhost").update(enabled=True, seats=seats)


def test_a_pass_of_the_dispatcher_that_starts_jobs(stocked: str) -> None:
    def start() -> None:
        let_in(8)
        assert len(pass_once(at=timezone.now()).started) == 8

    check(stocked, start)


def test_a_pass_of_the_dispatcher_without_a_free_seat(stocked: str) -> None:
    check(stocked, lambda: pass_once(at=timezone.now()))


def test_handing_jobs_ahead_and_closing_what_they_follow(stocked: str) -> None:
    at = timezone.now()

    def follow() -> None:
        let_in(8)
        short = [attempt.pk for attempt in dispatch_once(at=at)[0]]
        assert len(dispatch_once(at=at, short=short)[0]) == 8
        (grip,) = ownership.acquire([Host.objects.get(name="localhost").pk], owner="an engine")
        finals = [
            finish.Final(
                attempt=run.attempt, job=run.job, number=run.number, ending=exited(0), started_at=at,
                finished_at=at, failures=0, rule=run.rule,
            )
            for run in runs.load(short)
        ]  # fmt: skip
        assert len(finish.finish_many(finals, grip=grip, at=at)) == 8

    check(stocked, follow)


def test_what_an_engine_asks_every_second(stocked: str) -> None:
    conductor = Conductor(name="an engine")

    check(stocked, conductor._wanted)
    check(stocked, fold_once)


def test_submitting(stocked: str) -> None:
    asked = [Request(queue="default", type="command", params={"command": "true"})] * 20

    check(stocked, lambda: submit_many(asked, owner=User.objects.get(username="admin"), at=timezone.now()))


@pytest.mark.parametrize("verb", ["cancel", "hold", "move", "first", "up", "down", "last", "before"])
def test_asking_something_of_a_waiting_job(stocked: str, verb: str) -> None:
    job = Job.objects.filter(state="ready", queue__name="default").latest("id")
    middle = Job.objects.get(pk=job.pk // 2)
    verbs: dict[str, Callable[[], object]] = {
        "cancel": lambda: control.cancel(job, actor="admin", at=timezone.now()),
        "hold": lambda: control.hold(job, actor="admin", at=timezone.now()),
        "move": lambda: control.move_to(
            job, queue=Queue.objects.get(name="rare"), place="first", actor="admin", at=timezone.now()
        ),
        "before": lambda: control.move_to(job, before=middle, actor="admin", at=timezone.now()),
        **{
            place: partial(control.move_to, middle, place=place, actor="admin", at=timezone.now())
            for place in ("first", "up", "down", "last")
        },
    }

    check(stocked, verbs[verb])


def test_removing_what_is_too_old(stocked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 50)
    Queue.objects.filter(name="default").update(keep_days=1)
    answers = itertools.chain([False, False], itertools.repeat(True))

    check(stocked, lambda: prune_once(at=timezone.now(), is_over=lambda: next(answers)))


def test_why_the_first_jobs_of_a_queue_wait(stocked: str) -> None:
    first = list(Job.objects.filter(state="ready", queue__name="default").order_by("position")[:100])

    check(stocked, lambda: reasons(first, at=timezone.now()))
    check(stocked, lambda: explain(first[0], at=timezone.now()))
