from __future__ import annotations

from collections.abc import Callable

import pytest
from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Grant, Token, User
from hosts.models import Host, Lease, Ownership, Pool
from jobs.models import (
    Attempt,
    Engine,
    Event,
    Job,
    JobType,
    Lane,
    Notice,
    Output,
    Queue,
    Schedule,
    Script,
    Site,
    Subscription,
)
from scheduler_site.admin_menu import MENU
from tests.admin.pages import text, url
from tests.admin.rows import fill

OURS = [model for app in ("accounts", "hosts", "jobs") for model in apps.get_app_config(app).get_models()]
SHOWN: list[type[Model]] = [*admin.site._registry]
RECORDS = [AccessLog, Attempt, AuditEntry, Engine, Event, Lane, Lease, LogEntry, Notice, Output, Ownership, Script]
REVOCABLE = [AccessAttempt, Grant, Subscription, Token]
DEFINITIONS = [Group, Host, Job, JobType, Pool, Queue, Schedule, User]
INSIDE_OTHERS = {"PoolMember", "Window", "DatedException", "Parameter"}
# What is added up and drawn has other pages; what is secret or to go has none.
NOT_SHOWN = {
    "Credential", "DroppedOutput", "JobSecret", "Point", "Series", "Session", "Statistic", "Tally", "WebProcess",
}  # fmt: skip

named = pytest.mark.parametrize("model", SHOWN, ids=[model.__name__ for model in SHOWN])


def test_every_model_has_pages_of_its_own_or_inside_others() -> None:
    assert {model.__name__ for model in OURS} - {model.__name__ for model in SHOWN} == INSIDE_OTHERS | NOT_SHOWN


def test_every_page_belongs_to_a_kind_that_these_tests_know() -> None:
    assert {*RECORDS, *REVOCABLE, *DEFINITIONS, Site} == set(SHOWN)


def test_every_page_stands_in_the_menu_once() -> None:
    listed = [model for _title, entries in MENU for model, _icon, _about in entries]

    assert len(listed) == len(set(listed))
    assert set(listed) == set(SHOWN)


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


@pytest.mark.parametrize("model", [*RECORDS, *REVOCABLE], ids=lambda model: model.__name__)
def test_what_the_site_writes_is_not_changed_by_people(page: Client, model: type[Model]) -> None:
    fill()
    row = model._default_manager.first()
    assert row is not None

    assert page.post(url(model, "change", row.pk), {}).status_code == 403


@pytest.mark.parametrize("model", REVOCABLE, ids=lambda model: model.__name__)
def test_what_lets_people_in_or_keeps_them_out_can_be_deleted(page: Client, model: type[Model]) -> None:
    fill()
    row = model._default_manager.first()
    assert row is not None

    page.post(url(model, "delete", row.pk), {"post": "yes"})

    assert not model._default_manager.filter(pk=row.pk).exists()


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
