from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Token, User
from hosts.models import Host, Lease, Ownership, Pool
from jobs.dispatch.tick import pass_once
from jobs.execution import ownership
from jobs.models import (
    Attempt,
    DatedException,
    Engine,
    Event,
    Job,
    JobType,
    Lane,
    Output,
    Queue,
    Schedule,
    Script,
    Site,
)
from tests.admin.pages import text, url
from tests.builders import MONDAY_NOON, grant, make_host, make_job, make_pool, make_queue, make_schedule, make_user

OURS = [model for app in ("accounts", "hosts", "jobs") for model in apps.get_app_config(app).get_models()]
SHOWN = [model for model in OURS if admin.site.is_registered(model)]
RECORDS = [Attempt, Engine, Event, Lane, Lease, Output, Ownership, Script]
DEFINITIONS = [Host, Job, JobType, Pool, Queue, Schedule, User]
INSIDE_OTHERS = {"PoolMember", "Window", "DatedException", "Parameter"}

named = pytest.mark.parametrize("model", SHOWN, ids=[model.__name__ for model in SHOWN])


def fill(*, number: int = 0) -> None:
    """At least one more row of every model, a job that runs among them."""
    host = make_host(f"host{number}", seats=1)
    make_queue(f"queue{number}", host=host)
    schedule = make_schedule(f"schedule{number}", zone="Europe/Berlin")
    DatedException.objects.create(
        schedule=schedule, first="2026-12-24", last="2026-12-26", periods=[{"begin": "10:00:00", "end": "12:00:00"}]
    )
    Queue.objects.filter(name=f"queue{number}").update(schedule=None)
    make_pool(f"pool{number}", host)
    for _ in range(2):
        make_job(queue=f"queue{number}", notes=f"number {number}")
    pass_once(at=MONDAY_NOON)
    attempt = Attempt.objects.filter(job__queue__name=f"queue{number}").get()
    attempt.script = Script.objects.create(digest=f"{number:064}", text="true\n", interpreter="sh")
    attempt.save(update_fields=["script"])
    Output.objects.create(attempt=attempt, stream="stdout", size_bytes=5)
    ownership.acquire([host.pk], owner="engine")
    Engine.objects.create(name=f"engine{number}", started_at=MONDAY_NOON, seen_at=MONDAY_NOON)
    Site.get()
    Token.objects.create(make_user())  # type: ignore[no-untyped-call]
    grant(make_user(), "ViewQueues", queue=make_queue(f"queue{number}"))


def test_every_model_has_pages_of_its_own_or_inside_others() -> None:
    assert {model.__name__ for model in OURS} - {model.__name__ for model in SHOWN} == INSIDE_OTHERS


@named
def test_a_list_opens_with_rows_in_it(page: Client, model: type[Model]) -> None:
    fill()

    answer = page.get(url(model, "changelist"), follow=True)

    assert answer.status_code == 200


@named
def test_every_row_opens(page: Client, model: type[Model]) -> None:
    fill()

    rows = list(model._default_manager.all())

    assert rows
    for row in rows:
        answer = page.get(url(model, "change", row.pk))
        assert answer.status_code == 200, (row, text(answer))


@pytest.mark.parametrize("model", DEFINITIONS, ids=[model.__name__ for model in DEFINITIONS])
def test_the_page_to_add_one_opens(page: Client, model: type[Model]) -> None:
    fill()

    assert page.get(url(model, "add")).status_code == 200


@pytest.mark.parametrize("model", [*RECORDS, Site], ids=lambda model: model.__name__)
def test_what_the_site_writes_is_neither_added_nor_deleted_by_people(page: Client, model: type[Model]) -> None:
    fill()
    row = model._default_manager.first()
    assert row is not None

    assert page.get(url(model, "add")).status_code == 403
    assert page.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
def test_what_the_site_writes_is_not_changed_by_people(page: Client, model: type[Model]) -> None:
    fill()
    row = model._default_manager.first()
    assert row is not None

    assert page.post(url(model, "change", row.pk), {}).status_code == 403


@named
def test_a_list_asks_the_database_as_often_for_many_rows_as_for_few(page: Client, model: type[Model]) -> None:
    fill(number=1)
    page.get(url(model, "changelist"), follow=True)

    few = queries_of(lambda: page.get(url(model, "changelist"), follow=True))
    for number in (2, 3):
        fill(number=number)
    many = queries_of(lambda: page.get(url(model, "changelist"), follow=True))

    assert many == few


def queries_of(look: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as caught:
        look()
    return len(caught)


@named
def test_a_visitor_without_an_account_sees_no_page(db: None, model: type[Model]) -> None:
    answer = Client().get(url(model, "changelist"))

    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_an_account_without_rights_sees_no_jobs(db: None) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    client = Client()
    client.force_login(clerk)

    assert client.get(url(Job, "changelist")).status_code == 403
