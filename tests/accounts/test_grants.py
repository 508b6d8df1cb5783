from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as ModelPermission
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts import policy
from accounts.models import Grant, Permission, Token, User
from accounts.rights import OPENED_BY
from hosts.models import Host
from jobs.models import Job, JobType, Lane, Queue
from tests.admin.pages import fields_of, inline, url
from tests.api.parts import V1, assert_error
from tests.builders import grant, make_host, make_job, make_pool, make_queue, make_type, make_user


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def things(db: None) -> None:
    """Two of everything, and a job in each queue of each type on no host and on `build1`."""
    for name in ("nightly", "daily"):
        make_queue(name)
        for kind in ("command", "render"):
            make_type(kind)
            for host in (None, "build1"):
                make_host("build1")
                params = {"command": "true"}
                make_job(queue=name, type=kind, host=host, params=params)


def client_of(user: User, **fields: Any) -> APIClient:
    client = APIClient()
    _row, token = Token.objects.create(user, **fields)  # type: ignore[no-untyped-call]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def seen(user: User) -> set[tuple[str, str, str | None]]:
    """Queue, type and host of the jobs that the user may see."""
    rows = policy.visible(user, Job.objects.all()).values_list("queue__name", "type__name", "host__name")
    return {(queue, kind, host) for queue, kind, host in rows}


def test_a_list_has_exactly_what_may_be_seen_one_by_one(things: None, bob: User) -> None:
    nightly, render, build1 = Queue.objects.get(name="nightly"), JobType.objects.get(name="render"), make_host("build1")
    for limits in (
        {}, {"queue": nightly}, {"type": render}, {"host": build1}, {"is_default_host": True},
        {"queue": nightly, "type": render}, {"queue": nightly, "type": render, "host": build1},
    ):  # fmt: skip
        Grant.objects.filter(user=bob).delete()
        user = grant(bob, "ViewJobs", **limits)

        one_by_one = {job.pk for job in Job.objects.all() if policy.may(user, "view", job)}

        assert set(policy.visible(user, Job.objects.all()).values_list("pk", flat=True)) == one_by_one
        assert one_by_one


def test_limits_of_one_grant_hold_together_and_grants_add_up(things: None, bob: User) -> None:
    grant(bob, "ViewJobs", queue=Queue.objects.get(name="nightly"), type=JobType.objects.get(name="render"))
    user = grant(bob, "ManageJobs", queue=Queue.objects.get(name="daily"), is_default_host=True)

    assert seen(user) == {
        ("nightly", "render", None), ("nightly", "render", "build1"), ("daily", "render", None),
        ("daily", "command", None),
    }  # fmt: skip


@pytest.mark.meets("BD-49")
def test_two_halves_of_the_right_to_submit_do_not_add_up(things: None, bob: User) -> None:
    grant(bob, "CreateJobs", queue=Queue.objects.get(name="nightly"), type=JobType.objects.get(name="command"))
    grant(bob, "CreateJobs", queue=Queue.objects.get(name="daily"), type=JobType.objects.get(name="render"))
    client = client_of(bob)

    def status(queue: str, kind: str) -> int:
        return client.post(f"{V1}/jobs", {"queue": queue, "type": kind, "params": {"command": "true"}}).status_code

    assert [status("nightly", "command"), status("daily", "render")] == [201, 201]
    assert [status("nightly", "render"), status("daily", "command")] == [403, 403]


@pytest.mark.meets("BD-49")
def test_the_queues_own_host_means_a_job_that_names_none(things: None, bob: User) -> None:
    grant(bob, "CreateJobs", is_default_host=True)
    client = client_of(bob)
    body = {"queue": "nightly", "type": "command", "params": {"command": "true"}}

    assert client.post(f"{V1}/jobs", body).status_code == 201
    assert_error(client.post(f"{V1}/jobs", {**body, "host": "build1"}), 403)
    job = Job.objects.latest("id")
    grant(bob, "ManageJobs", is_default_host=True)
    assert_error(client.patch(f"{V1}/jobs/{job.pk}", {"host": "build1"}), 403)


def test_nobody_learns_names_by_submitting(things: None, bob: User) -> None:
    grant(bob, "CreateJobs", queue=Queue.objects.get(name="nightly"))
    client = client_of(bob)

    answers = [client.post(f"{V1}/jobs", {"queue": name, "type": "command"}) for name in ("daily", "dail", "none")]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "daily" not in answers[1].content.decode()
    bulk = {"jobs": [{"queue": "nightly", "type": "command"}, {"queue": "daily", "type": "command"}]}
    assert_error(client.post(f"{V1}/jobs/bulk", bulk), 403)


@pytest.mark.meets("BD-24")
def test_moving_a_job_needs_the_right_at_both_ends(things: None, bob: User) -> None:
    grant(bob, "ManageJobs", queue=Queue.objects.get(name="nightly"))
    client = client_of(bob)
    ours, theirs = (Job.objects.filter(queue__name=name).earliest("id") for name in ("nightly", "daily"))

    assert_error(client.post(f"{V1}/jobs/{ours.pk}/move", {"queue": "daily"}), 403)
    assert_error(client.post(f"{V1}/jobs/{ours.pk}/move", {"queue": "none"}), 403)
    assert_error(client.post(f"{V1}/jobs/{theirs.pk}/move", {"queue": "nightly"}), 404)
    grant(bob, "ManageJobs", queue=Queue.objects.get(name="daily"))
    assert client.post(f"{V1}/jobs/{ours.pk}/move", {"queue": "daily"}).status_code == 200


def test_counts_are_of_what_may_be_seen(things: None, bob: User) -> None:
    grant(bob, "ViewQueues")
    grant(bob, "ViewJobs", type=JobType.objects.get(name="render"))

    told = client_of(bob).get(f"{V1}/queues/nightly").json()

    assert sum(told["counts"].values()) == 2


def test_whoever_refers_to_a_thing_has_to_see_it(things: None, bob: User) -> None:
    grant(bob, "ManageQueues")
    client = client_of(bob)

    told = assert_error(client.patch(f"{V1}/queues/nightly", {"host": "build1"}), 400, code="unknown_host")
    assert "build1" not in (told["hint"] or "")
    grant(bob, "ViewHosts", host=Host.objects.get(name="build1"))
    assert client.patch(f"{V1}/queues/nightly", {"host": "build1"}).status_code == 200


def test_files_belong_to_no_queue(things: None, bob: User) -> None:
    grant(bob, "ViewJobs", queue=Queue.objects.get(name="nightly"))

    assert_error(client_of(bob).get(f"{V1}/files"), 403)


def test_a_group_gives_its_users_what_it_has(things: None, bob: User) -> None:
    group = Group.objects.create(name="night shift")
    Grant.objects.create(group=group, permission="ViewJobs", queue=Queue.objects.get(name="nightly"))

    assert seen(User.objects.get(pk=bob.pk)) == set()
    bob.groups.add(group)
    assert {queue for queue, _type, _host in seen(User.objects.get(pk=bob.pk))} == {"nightly"}


def test_asking_costs_the_same_however_many_jobs_and_grants(things: None, bob: User) -> None:
    for name in ("nightly", "daily"):
        grant(bob, "ViewJobs", queue=Queue.objects.get(name=name))
    user = User.objects.get(pk=bob.pk)

    with CaptureQueriesContext(connection) as caught:
        assert len(list(policy.visible(user, Job.objects.all()))) == 8
        assert policy.may(user, "view", Job.objects.all()[0])

    # Groups, grants, lanes, jobs; then the one job, and nothing more for the right to it.
    assert len(caught) == 5
    assert Lane.objects.count() == 8


def test_what_goes_takes_its_grants_with_it_and_says_so_before(things: None, bob: User) -> None:
    queue, pool = make_queue("weekly"), make_pool("both")
    grant(bob, "ViewQueues", queue=queue)
    grant(bob, "ViewPools", pool=pool)
    boss = client_of(User.objects.create_superuser("boss"))
    page = Client()
    page.force_login(User.objects.get(username="boss"))

    told = boss.get(f"{V1}/grants?queue=weekly").json()["results"]
    confirmation = page.get(url(Queue, "delete", queue.pk)).content.decode()

    assert [row["user"] for row in told] == ["bob"]
    assert "bob: ViewQueues" in confirmation
    assert boss.delete(f"{V1}/queues/weekly").status_code == 204
    assert [row.permission for row in Grant.objects.all()] == ["ViewPools"]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        pytest.param({"permission": "ViewJobs"}, "invalid", None, id="nobody's"),
        pytest.param({"user": "bob", "group": "g", "permission": "ViewJobs"}, "invalid", None, id="two holders"),
        pytest.param({"user": "bob", "permission": "ViewJob"}, "unknown_word", "permission", id="no permission"),
        pytest.param({"user": "bib", "permission": "ViewJobs"}, "unknown_user", "user", id="no user"),
        pytest.param(
            {"user": "bob", "permission": "ViewJobs", "queue": "nightl"}, "unknown_queue", "queue", id="no queue"
        ),
        pytest.param(
            {"user": "bob", "permission": "SuperUser", "queue": "nightly"}, "impossible_limit", "queue", id="no limit"
        ),
        pytest.param(
            {"user": "bob", "permission": "ViewHosts", "host": "__default__"}, "impossible_limit", "host", id="default"
        ),
    ],
)
def test_a_grant_that_cannot_be_is_refused(
    things: None, bob: User, body: dict[str, Any], code: str, field: str | None
) -> None:
    Group.objects.create(name="g")
    client = client_of(User.objects.create_superuser("boss"))

    assert_error(client.post(f"{V1}/grants", body), 400, code=code, field=field)
    assert not Grant.objects.exists()


def test_a_grant_is_there_once(bob: User) -> None:
    client = client_of(User.objects.create_superuser("boss"))
    body = {"user": "bob", "permission": "ViewJobs", "host": "__default__"}

    assert client.post(f"{V1}/grants", body).json()["host"] == "__default__"
    assert_error(client.post(f"{V1}/grants", body), 409, code="taken")
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(user=bob, permission="ViewJobs", is_default_host=True)


def test_nobody_grants_themselves_anything(bob: User) -> None:
    everything = [word for word in Permission if word != Permission.SUPER_USER]
    client = client_of(grant(bob, *everything))
    group = Group.objects.create(name="g")

    assert_error(client.post(f"{V1}/grants", {"user": "bob", "permission": "SuperUser"}), 403)
    assert_error(client.patch(f"{V1}/users/bob", {"superuser": True}), 400, code="unknown_key")
    assert_error(client.patch(f"{V1}/groups/{group}", {"users": ["bob"]}), 404)
    mine = Grant.objects.filter(user=bob).earliest("id").pk
    assert client.get(f"{V1}/grants/{mine}").status_code == 200
    assert_error(client.delete(f"{V1}/grants/{mine}"), 403)


def test_people_change_their_own_password_with_the_present_one(db: None) -> None:
    client = client_of(make_user("carol"))

    def change(present: str) -> Any:
        body = {"password": "a-long-enough-pw-1", "current_password": present}
        return client.patch(f"{V1}/users/carol", body)

    assert_error(change("wrong"), 400, code="wrong_password")
    assert change("correct horse battery staple").status_code == 200
    assert User.objects.get(username="carol").check_password("a-long-enough-pw-1")


@pytest.mark.meets("BD-52")
def test_users_and_groups_are_made_changed_and_removed(bob: User) -> None:
    client = client_of(User.objects.create_superuser("boss"))

    assert_error(client.post(f"{V1}/users", {"name": "eve", "password": "short"}), 400, field="password")
    assert client.post(f"{V1}/users", {"name": "eve", "password": "a-long-enough-pw-1"}).status_code == 201
    assert_error(client.post(f"{V1}/users", {"name": "eve"}), 409, code="taken")
    assert client.post(f"{V1}/groups", {"name": "g", "users": ["eve"]}).json() == {"name": "g", "users": ["eve"]}
    assert client.get(f"{V1}/users/eve").json()["groups"] == ["g"]
    assert_error(client.patch(f"{V1}/users/eve", {"groups": ["h"]}), 400, code="unknown_group")
    assert client.patch(f"{V1}/users/eve", {"groups": [], "enabled": False}).json()["enabled"] is False
    make_job(owner=bob)
    assert_error(client.delete(f"{V1}/users/bob"), 409, code="in_use")
    assert client.delete(f"{V1}/users/eve").status_code == 204
    assert client.delete(f"{V1}/groups/g").status_code == 204


def test_a_token_that_only_reads_changes_nothing(things: None) -> None:
    boss = User.objects.create_superuser("boss")
    client = client_of(boss, is_read_only=True)

    assert client.get(f"{V1}/jobs").status_code == 200
    assert_error(client.post(f"{V1}/queues", {"name": "new"}), 403)
    assert not Queue.objects.filter(name="new").exists()


def test_model_permissions_of_django_open_nothing(bob: User) -> None:
    bob.user_permissions.set(ModelPermission.objects.all())

    assert not any(User.objects.get(pk=bob.pk).has_perm(asked) for asked in OPENED_BY)
    assert User.objects.get(pk=bob.pk).get_all_permissions() == set()


def test_what_people_could_do_before_grants_they_can_still_do(bob: User) -> None:
    wanted = ["view_job", "add_job", "change_queue", "view_schedule", "delete_jobtype", "add_logentry"]
    bob.user_permissions.set(ModelPermission.objects.filter(codename__in=wanted))
    group = Group.objects.create(name="g")
    group.permissions.set(ModelPermission.objects.filter(codename="view_host"))

    convert = import_module("accounts.migrations.0004_grants_of_model_permissions").convert
    convert(apps, SimpleNamespace(connection=connection))

    held = set(Grant.objects.filter(user=bob).values_list("permission", flat=True))
    assert held == {"ViewJobs", "CreateJobs", "ManageQueues", "ViewSchedules", "ManageJobTypes"}
    assert [row.permission for row in group.grants.all()] == ["ViewHosts"]
    assert not bob.user_permissions.exists()


def test_grants_are_made_on_the_page_of_a_user(bob: User) -> None:
    page = Client()
    page.force_login(User.objects.create_superuser("boss"))
    queue = make_queue("nightly")
    address = url(User, "change", bob.pk)

    row = {"permission": "ViewQueues", "queue": str(queue.pk), "user": str(bob.pk)}
    joined = {"date_joined_0": "2026-03-02", "date_joined_1": "12:00:00"}
    answer = page.post(address, fields_of(page, address) | joined | inline("grants", row))
    refused = page.post(url(Grant, "add"), {"user": str(bob.pk), "permission": "SuperUser", "queue": str(queue.pk)})

    assert answer.status_code == 302, answer.context["errors"]
    assert [str(one) for one in Grant.objects.all()] == ["bob: ViewQueues (queue nightly)"]
    assert "This permission cannot be limited to that." in refused.content.decode()


def test_the_table_of_a_queue_says_who_may_do_what_and_why(things: None, bob: User) -> None:
    boss = User.objects.create_superuser("boss")
    group = Group.objects.create(name="night shift")
    bob.groups.add(group)
    nightly = Queue.objects.get(name="nightly")
    Grant.objects.create(group=group, permission="ViewJobs", queue=nightly, type=JobType.objects.get(name="render"))
    grant(bob, "ManageJobs", queue=Queue.objects.get(name="daily"))
    page = Client()
    page.force_login(boss)

    answer = page.get("/admin/accounts/grant/of-queue/?queue=nightly")

    rows = {str(user): reasons for user, reasons in answer.context["rows"]}
    assert rows["bob"] == [[], ["group night shift: type render"], [], [], []]
    assert rows["boss"] == [["superuser"]] * 5
    assert "alice" not in rows


def test_the_form_offers_what_may_be_submitted(things: None, bob: User) -> None:
    grant(bob, "CreateJobs", queue=Queue.objects.get(name="nightly"), is_default_host=True)
    page = Client()
    page.force_login(bob)

    form = page.get("/submit/command/").context["form"]
    answer = page.post("/submit/command/", {"queue": "nightly", "param_command": "true"})

    assert [str(queue) for queue in form.fields["queue"].queryset] == ["nightly"]
    assert not form.fields["host"].queryset.exists()
    assert answer.status_code == 302
    assert page.post("/submit/command/", {"queue": "daily", "param_command": "true"}).status_code == 400


def test_a_page_of_the_admin_offers_what_may_be_seen_and_clears_nothing(things: None, bob: User) -> None:
    make_host("build2")
    queue = make_queue("weekly", host=make_host("build1"))
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    page = Client()
    page.force_login(grant(bob, "ManageQueues"))
    address = url(Queue, "change", queue.pk)

    offered = page.get(address).context["adminform"].form.fields["host"].queryset
    page.post(address, fields_of(page, address) | {"title": "new"})

    queue.refresh_from_db()
    assert [str(host) for host in offered] == ["build1"]
    assert (str(queue.host), queue.title) == ("build1", "new")
