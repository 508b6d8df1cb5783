"""Removing things with everything that needs them: asked about first, nothing orphaned, nothing that runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from accounts.models import AuditEntry, User
from hosts.models import Host
from jobs.models import Attempt, Event, Job, JobType, Queue, Schedule
from tests.admin.pages import text, url
from tests.builders import grant, make_host, make_job, make_queue, make_schedule, make_type
from tests.compat.passes import started

pytestmark = pytest.mark.django_db

KINDS = [Queue, Schedule, JobType, Host]
PERMISSIONS = {Queue: "ManageQueues", Schedule: "ManageSchedules", JobType: "ManageJobTypes", Host: "ManageHosts"}
# What goes with each, and takes a permission of its own.
ALSO = {Schedule: "ManageQueues", JobType: "ManageJobs", Host: "ManageJobs"}
every_kind = pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)


@pytest.fixture
def rows() -> dict[type[Model], Any]:
    """One of each kind, all of which a waiting job needs."""
    schedule, host = make_schedule(windows=()), make_host("far")
    queue = make_queue("nightly", schedule=schedule)
    kind = make_type("render", params=())
    make_job(queue="nightly", type="render", host="far")
    return {Queue: queue, Schedule: schedule, JobType: kind, Host: host}


def ask(page: Client, *chosen: Model, **sent: Any) -> Any:
    told = {"action": "remove_with_all", "_selected_action": [row.pk for row in chosen], **sent}
    return page.post(url(type(chosen[0]), "changelist"), told, follow=True)


def limited(*permissions: str, **limits: Any) -> Client:
    """A browser in which somebody with these permissions is signed in."""
    user = grant(User.objects.create_user("eve", is_staff=True), *permissions, **limits)
    client = Client()
    client.force_login(user)
    return client


@every_kind
def test_it_is_asked_about_first(page: Client, rows: dict[type[Model], Any], model: type[Model]) -> None:
    told = text(ask(page, rows[model]))

    assert "All of this is removed" in told
    assert ("(1 queue)" if model is Schedule else "(1 job)") in told
    assert all(row._meta.model._default_manager.filter(pk=row.pk).exists() for row in rows.values())


@every_kind
def test_it_goes_with_what_needs_it_and_is_recorded(
    page: Client, rows: dict[type[Model], Any], model: type[Model]
) -> None:
    told = text(ask(page, rows[model], post="yes"))

    assert f"“{rows[model]}” was removed." in told
    assert not model._default_manager.filter(pk=rows[model].pk).exists()
    assert [kind.objects.count() for kind in (Job, Event)] == [0, 0]
    assert Queue.objects.exists() is (model not in {Queue, Schedule})
    entry = AuditEntry.objects.filter(kind=model._meta.label_lower, action="remove").get()
    assert (entry.actor, entry.name) == ("boss", str(rows[model]))


@every_kind
def test_nothing_goes_of_what_has_a_running_job(page: Client, rows: dict[type[Model], Any], model: type[Model]) -> None:
    at = Job.objects.get().created_at
    assert len(started(at)) == 1

    told = text(ask(page, rows[model], post="yes"))

    assert "1 running" in told
    assert model._default_manager.filter(pk=rows[model].pk).exists()
    assert (Job.objects.count(), Attempt.objects.count()) == (1, 1)


@pytest.mark.parametrize("model", list(ALSO), ids=lambda model: model.__name__)
def test_what_goes_with_it_has_to_be_ones_own_to_remove(rows: dict[type[Model], Any], model: type[Model]) -> None:
    page = limited(PERMISSIONS[model])

    assert ask(page, rows[model], post="yes").status_code == 403

    grant(User.objects.get(username="eve"), ALSO[model])
    assert ask(page, rows[model], post="yes").status_code == 200
    assert not model._default_manager.filter(pk=rows[model].pk).exists()


def test_of_several_those_go_that_one_may_remove(rows: dict[type[Model], Any]) -> None:
    make_queue("other")
    page = limited("ManageQueues", queue=rows[Queue])
    grant(User.objects.get(username="eve"), "ViewQueues")
    chosen = list(Queue.objects.order_by("name"))

    assert "other: you may not remove it; it stays." in text(ask(page, *chosen))
    ask(page, *chosen, post="yes")

    assert list(Queue.objects.values_list("name", flat=True)) == ["other"]


@every_kind
def test_who_may_only_look_is_not_offered_it(rows: dict[type[Model], Any], model: type[Model]) -> None:
    page = limited(PERMISSIONS[model].replace("Manage", "View"))

    ask(page, rows[model], post="yes")

    assert "remove_with_all" not in page.get(url(model, "changelist")).content.decode()
    assert model._default_manager.filter(pk=rows[model].pk).exists()
