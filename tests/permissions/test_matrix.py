"""Every address times everybody who may ask: what they get is what the one table says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Grant, Token, User
from jobs.measures.sampling import sample_once
from jobs.models import Job, Parameter
from jobs.queueing.line import STEP
from scheduler_site import health
from tests.api.parts import finish, make_job, make_type, start, write
from tests.builders import make_host, make_pool, make_queue, make_schedule
from tests.permissions.actors import ACTORS, PEOPLE, Actor
from tests.permissions.routes import ROUTES, beneath, others
from tests.permissions.table import ADMIN, ADMIN_ALSO, ADMIN_SITE, API, BATCHD, PAGES, AdminRule, Kind, Rule, Where

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
NAMES: Final = {
    "queues": "nightly", "job-types": "render", "schedules": "nights", "hosts": "build1", "pools": "both",
    "users": "alice", "groups": "night shift", "submit": "render", "jobs": "model",
    "stats": "nightly", "queue": "nightly", "schedule": "nights", "type": "render", "user": "alice",
    "monitor": "batchd.host.build1.jobs",
}  # fmt: skip
REST: Final = {**API, **BATCHD}
NOTHING: Final = frozenset({"api/{path}", "batchd/{path}"})
WORDS: Final = {
    "kind": "render",
    "prefix": "batchd.jobs",
    "path": "a.txt",
    "word": "enable",
    "verb": "retry",
    "number": "1",
    "stream": "stdout",
    "place": "last",
    "label": "0123456789abcdef",
}
each = pytest.mark.parametrize("actor", ACTORS, ids=[actor.name for actor in ACTORS])
each_person = pytest.mark.parametrize("actor", PEOPLE, ids=[actor.name for actor in PEOPLE])


@pytest.fixture(autouse=True)
def own_directories(settings: LazySettings, tmp_path: Path) -> None:
    settings.BATCHYARD_FILE_ROOTS = [tmp_path / "files"]
    settings.BATCHYARD_OUTPUT_DIR = settings.BATCHYARD_STORE = str(tmp_path / "output")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("a")


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may see whether the site is well does not hang on two seconds of waiting for a broker that is not there."""
    monkeypatch.delitem(health.CHECKS, "broker")


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A download gives its connection back before the bytes; here that would end the test's transaction."""
    for module in ("jobs.web.output", "jobs.compat.batchd.results"):
        monkeypatch.setattr(f"{module}.connection", SimpleNamespace(close=lambda: None))


@pytest.fixture
def job(db: None) -> Job:
    """A job that has run, asking for no host, and one of everything, twice: this one and another."""
    for name in ("build1", "other", "localhost"):
        make_host(name)
    for name in ("nightly", "other"):
        make_queue(name)
    make_type("other")
    for name in ("both", "other"):
        make_pool(name)
    make_schedule("nights")
    night_shift = Group.objects.create(name="night shift")
    Parameter.objects.create(job_type=make_type("render"), position=2, name="model", type="InputFile")
    alice = User.objects.create_user("alice")
    Grant.objects.create(user=alice, permission="ViewHosts")
    Grant.objects.create(group=night_shift, permission="ViewHosts")
    attempt = start(make_job(alice, params={"scene": "a", "model": "a.txt"}))
    write(attempt, ("stdout", b"hello"))
    finish(attempt)
    sample_once(at=timezone.now())
    return attempt.job


def address(route: str, job: Job) -> str:
    """An address of this route about this thing."""
    noun = route.removeprefix("api/v1/").removeprefix("batchd/").split("/")[0]
    first_grant = Grant.objects.order_by("pk").values_list("pk", flat=True)[0]
    own_token = Token.objects.values_list("token_key", flat=True).first() or "none"
    parts = {
        **WORDS,
        "key": own_token,
        "name": NAMES.get(noun, ""),
        "pk": str(first_grant if noun in {"grants", "user"} else job.pk),
        "seq": str(job.position // STEP),
    }
    words = "?forced=true" if route == "batchd/queue/{name}" else ""
    return "/" + re.sub(r"\{(\w+)\}", lambda match: parts[match[1]], route) + words


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens in it has not happened."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def asked(client: Client, method: str, route: str, rule: Rule, job: Job) -> Any:
    body: Any = dict(rule.body) if method != "GET" else None
    options = {"format": "json"} if route.startswith(("api/", "batchd")) and route != "api/v1/files" else {}
    with undone():
        answer = getattr(client, method.lower())(address(route, job), body, **options)
        if answer.streaming and not answer.is_async:
            b"".join(answer.streaming_content)  # closes the file
    return answer


def refusal(answer: Any) -> int | None:
    """The status that says that somebody is not let in; None if they are."""
    is_to_sign_in = any(template.name == "accounts/login.html" for template in answer.templates)
    if is_to_sign_in or (answer.status_code == 302 and "/login/" in answer["Location"]):
        return 401
    return answer.status_code if answer.status_code in {401, 403, 404} else None


def test_every_address_of_the_api_stands_in_the_table() -> None:
    assert {route for _method, route in API} == {f"api/{route}" for route in beneath("api/")}


def test_every_address_of_batchd_stands_in_the_table() -> None:
    assert {route for _method, route in BATCHD} == {"batchd", *(f"batchd/{route}" for route in beneath("batchd/"))}


def test_every_page_stands_in_the_table() -> None:
    assert {route for _method, route in PAGES} == set(others("api/", "admin/", "batchd"))


def test_every_page_of_the_admin_site_stands_in_the_table() -> None:
    unknown = set(beneath("admin/")) - ADMIN_SITE - ADMIN_ALSO
    models = {re.sub(r"/(add/|\{object_id\}/(change/|delete/|history/|)|)$", "", route) for route in unknown}

    assert models == set(ADMIN)
    assert set(beneath("admin/")) >= ADMIN_SITE | ADMIN_ALSO
    assert len(ROUTES) > 150


def test_every_method_that_an_address_takes_stands_in_the_table(job: Job) -> None:
    client = Actor("superuser", is_super=True).api()
    missing = []
    for route in sorted({route for _method, route in REST}):
        for method in METHODS:
            if (method, route) in REST or route in NOTHING:
                continue
            with undone():
                answer = client.generic(method, address(route, job))
            if answer.status_code != 405:
                missing.append((method, route, answer.status_code))

    assert missing == []


@pytest.mark.meets("BD-48")
@each
def test_the_api_answers_everybody_as_the_table_says(actor: Actor, job: Job) -> None:
    client = actor.api()
    wrong = []
    for (method, route), rule in REST.items():
        if actor.scope != "queue" and not actor.is_asked_about(*rule.see, *rule.do):
            continue
        answer = asked(client, method, route, rule, job)
        expected = actor.expected(rule, method=method)
        got = None if route in NOTHING else refusal(answer)
        if got != expected:
            wrong.append((method, route, answer.status_code, expected))
        elif rule.kind is Kind.LIST and expected is None:
            is_told = rule.told in answer.content.decode()
            if is_told != actor.holds(rule.see, where=Where.HERE, scopes=rule.scopes):
                wrong.append((method, route, "listed" if is_told else "not listed", answer.content.decode()[:200]))

    assert wrong == []


@each_person
def test_the_pages_answer_everybody_as_the_table_says(actor: Actor, job: Job) -> None:
    client = actor.browser()
    wrong = []
    for (method, route), rule in PAGES.items():
        if route == "accounts/logout/" or not actor.is_asked_about(*rule.see, *rule.do):
            continue  # the first would end the session
        answer = asked(client, method, route, rule, job)
        expected = actor.expected(rule, method=method)
        got = None if rule.kind is Kind.PUBLIC else refusal(answer)
        if got != expected:
            wrong.append((method, route, answer.status_code, expected))

    assert wrong == []


def hidden(answer: Any) -> bool:
    """Whether an admin page is not shown: forbidden, to sign in for, or sent back from what is not there for them."""
    if answer.status_code == 302:
        return "/login/" in answer["Location"] or answer["Location"] == "/admin/"
    return bool(answer.status_code in {403, 404})


def shown(model: str, rule: AdminRule, actor: Actor) -> Iterator[tuple[str, bool]]:
    """The pages of `model`, and whether the actor should see each."""
    if not (actor.has_account and actor.is_active):
        yield from ((page, False) for page in ("", "add/", "{id}/change/", "{id}/delete/", "{id}/history/"))
        return
    sees = actor.holds(rule.see, where=Where.HERE, scopes=rule.scopes)
    adds = Where.SOMEWHERE if rule.has_limited_add else Where.EVERYWHERE
    yield "", actor.holds(rule.see, where=Where.SOMEWHERE, scopes=rule.scopes)
    yield "{id}/change/", sees
    yield "{id}/history/", sees
    if rule.add:
        yield "add/", actor.holds(rule.add, where=adds, scopes=rule.scopes)
        yield "{id}/delete/", actor.holds(rule.change, where=Where.HERE, scopes=rule.scopes)


ROWS: Final = {"jobs/queue": "nightly", "jobs/jobtype": "render", "hosts/host": "build1", "hosts/pool": "both",
               "jobs/schedule": "nights"}  # fmt: skip


@each_person
def test_the_admin_pages_answer_everybody_as_the_table_says(actor: Actor, job: Job) -> None:
    client = actor.browser()
    wrong = []
    for model, rule in ADMIN.items():
        if not actor.is_asked_about(*rule.see, *rule.add, *rule.change):
            continue
        for page, is_shown in shown(model, rule, actor):
            if "{id}" in page and not rule.see:
                continue
            row = str(row_of(model, job)) if "{id}" in page else ""
            address = f"/admin/{model}/{page.replace('{id}', row)}"
            answer = client.get(address)
            if hidden(answer) == is_shown:
                wrong.append((address, answer.status_code, is_shown))

    assert wrong == []


def row_of(model: str, job: Job) -> int:
    """The id of the thing that actors have grants for."""
    kind = apps.get_model(model.replace("/", "."))
    return job.pk if kind is Job else kind._default_manager.get(name=ROWS[model]).pk
