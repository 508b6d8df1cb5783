from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from accounts.models import User
from hosts.models import Host, Lease, Pool, TransportKind
from jobs.models import DatedException, Job, JobType, Parameter, Queue, Schedule, Site, Window
from tests.admin.pages import fields_of, inline, text, url
from tests.builders import MONDAY_NOON, make_host, make_job, make_pool, make_queue, make_schedule, make_type

Sent = dict[str, Any]


def queue(**changed: Any) -> Sent:
    return {"name": "nightly", "enabled": "on", "weight": 1, **changed}


def schedule(*, windows: tuple[Sent, ...] = (), exceptions: tuple[Sent, ...] = (), **changed: Any) -> Sent:
    rows = inline("windows", *windows) | inline("exceptions", *exceptions)
    return {"name": "nights", "zone": "Europe/Berlin", **rows, **changed}


def kind(*parameters: Sent, **changed: Any) -> Sent:
    plain = {
        "name": "render", "template": "echo $scene", "syntax": "shell", "on_fail": "continue", "retry_when": "now",
        "retry_count": 1, "retry_delay_seconds": 0, "grace_seconds": 10, "environment": "{}",
    }  # fmt: skip
    rows = [{"position": number, "type": "String", **row} for number, row in enumerate(parameters)]
    return plain | inline("parameters", *rows) | changed


def host(**changed: Any) -> Sent:
    plain = {
        "name": "build1",
        "transport": "ssh",
        "address": "build1.example",
        "port": 22,
        "seats": 2,
        "variables": "{}",
    }
    return plain | changed


def pool(*members: Sent, **changed: Any) -> Sent:
    return {"name": "farm", **inline("members", *members), **changed}


def add(page: Client, model: type[Model], sent: Sent) -> str:
    """Send the form to add one; what the next page says."""
    return text(page.post(url(model, "add"), sent, follow=True))


def resend(page: Client, row: Model, **changed: Any) -> str:
    """Send the form of a row with what it shows and some changes."""
    address = url(type(row), "change", row.pk)
    return text(page.post(address, fields_of(page, address) | changed, follow=True))


# --- what is possible ---


def test_a_queue_is_added_and_changed(page: Client) -> None:
    add(page, Queue, queue(schedule=make_schedule().pk, host=make_host().pk, max_running=3))
    row = Queue.objects.get()
    assert (row.name, row.max_running, row.enabled) == ("nightly", 3, True)

    resend(page, row, title="At night", max_running=4)

    row.refresh_from_db()
    assert (row.title, row.max_running, row.host) == ("At night", 4, Host.objects.get())


def test_a_schedule_has_ticked_weekdays_and_exceptions_written_as_periods(page: Client) -> None:
    windows = ({"weekdays": ["4", "5"], "begin": "22:00", "end": "06:00"}, {"begin": "12:00", "end": "13:00"})
    exceptions = (
        {"first": "2026-12-24", "last": "2026-12-26", "periods": "10:00-12:00, 14:00 - 16:00", "note": "short"},
        {"first": "2026-12-31", "last": "2026-12-31", "periods": ""},
    )

    add(page, Schedule, schedule(windows=windows, exceptions=exceptions, holidays_country="DE"))

    night, noon = Window.objects.all()
    assert (night.weekdays, night.begin, night.end) == ([4, 5], time(22), time(6))
    assert noon.weekdays == []
    short, closed = DatedException.objects.all()
    assert short.periods == [{"begin": "10:00", "end": "12:00"}, {"begin": "14:00", "end": "16:00"}]
    assert closed.periods == []


def test_a_schedule_sent_back_unchanged_stays_as_it_is(page: Client) -> None:
    row = make_schedule(zone="Europe/Berlin")
    DatedException.objects.create(
        schedule=row, first="2026-12-24", last="2026-12-24", periods=[{"begin": "10:00:00", "end": "12:00:00"}]
    )
    before = [list(model.objects.values()) for model in (Schedule, Window, DatedException)]

    told = resend(page, row)

    assert "changed successfully" in told
    assert [list(model.objects.values()) for model in (Schedule, Window, DatedException)] == before


def test_a_schedule_tells_in_words_what_it_means(page: Client) -> None:
    row = make_schedule(zone="Europe/Berlin")

    told = text(page.get(url(Schedule, "change", row.pk)))

    assert "Friday" in told
    assert "Europe/Berlin" in told


def test_a_job_type_declares_parameters(page: Client) -> None:
    add(
        page,
        JobType,
        kind(
            {"name": "scene", "type": "InputFile", "required": "on"},
            {"name": "quality", "type": "Choice", "choices": "low\nhigh\n", "default": "low"},
            environment='{"LANG": "C.UTF-8"}',
        ),
    )

    row = JobType.objects.get()
    scene, quality = row.parameters.all()
    assert row.environment == {"LANG": "C.UTF-8"}
    assert (scene.type, scene.required, scene.default) == ("InputFile", True, None)
    assert (quality.choices, quality.default) == (["low", "high"], "low")


def test_a_job_type_sent_back_unchanged_stays_as_it_is(page: Client) -> None:
    row = make_type("render", template="#!/bin/sh\necho $scene\n", params=("scene",), environment={"A": "ü\n"})
    Parameter.objects.update(type="Choice", choices=["a", "b c"])
    before = [list(model.objects.values()) for model in (JobType, Parameter)]

    told = resend(page, row)

    assert "changed successfully" in told
    assert JobType.objects.get().template.splitlines() == row.template.splitlines()
    JobType.objects.update(template=row.template)
    assert [list(model.objects.values()) for model in (JobType, Parameter)] == before


def test_a_parameter_can_be_removed_once_the_template_is_valid_without_it(page: Client) -> None:
    row = make_type("render", template="echo '$frames' $scene", params=("scene",))

    resend(page, row, **{"parameters-0-DELETE": "on"})

    assert not row.parameters.exists()


def test_a_host_is_added_and_what_its_engine_knows_is_kept(page: Client) -> None:
    add(page, Host, host())
    row = Host.objects.get()
    Host.objects.update(state="unreachable", state_reason="no route", failures=3)

    resend(page, row, seats=8, enabled="", state="on", failures=0)

    row.refresh_from_db()
    assert (row.seats, row.enabled) == (8, False)
    assert (row.state, row.state_reason, row.failures) == ("unreachable", "no route", 3)


def test_a_pool_keeps_the_order_of_its_hosts(page: Client) -> None:
    first, second = make_host("a"), make_host("b")

    add(page, Pool, pool({"position": 2, "host": first.pk}, {"position": 1, "host": second.pk}))

    assert [member.host.name for member in Pool.objects.get().members.all()] == ["b", "a"]


def test_the_list_of_the_one_site_leads_to_it_and_it_can_be_paused(page: Client) -> None:
    answer = page.get(url(Site, "changelist"))
    assert answer["Location"] == url(Site, "change", 1)

    resend(page, Site.get(), is_paused="on", variables='{"scratch": "/tmp"}')

    site = Site.get()
    assert (site.is_paused, site.variables) == (True, {"scratch": "/tmp"})


# --- what is refused, and how ---

REFUSED = [
    pytest.param(Queue, queue(name="a b"), "is not a name", id="queue: name with a blank"),
    pytest.param(Queue, queue(name="new"), "has a meaning of its own", id="queue: reserved name"),
    pytest.param(Queue, queue(weight=0), "greater than or equal to 1", id="queue: no share"),
    pytest.param(Queue, queue(max_running="many"), "Enter a whole number.", id="queue: limit in words"),
    pytest.param(Schedule, schedule(zone="Europe/Berlim"), 'Did you mean "Europe/Berlin"?', id="schedule: zone"),
    pytest.param(Schedule, schedule(zone="UTC+2"), "Etc/GMT-2", id="schedule: an offset"),
    pytest.param(
        Schedule, schedule(windows=({"begin": "25:00", "end": "06:00"},)), "Enter a valid time.", id="window: time"
    ),
    pytest.param(
        Schedule,
        schedule(windows=({"begin": "10:00:00", "end": "10:00:30"},)),
        "is shorter than a minute",
        id="window: too short",
    ),
    pytest.param(
        Schedule,
        schedule(windows=({"weekdays": ["7"], "begin": "10:00", "end": "11:00"},)),
        "Select a valid choice.",
        id="window: eighth day",
    ),
    pytest.param(
        Schedule,
        schedule(exceptions=({"first": "2026-12-26", "last": "2026-12-24"},)),
        "before it begins on",
        id="exception: backwards",
    ),
    pytest.param(
        Schedule,
        schedule(exceptions=({"first": "2026-12-24", "last": "2026-12-24", "periods": "10:00"},)),
        "Write it like 10:00-12:00.",
        id="exception: no period",
    ),
    pytest.param(
        Schedule,
        schedule(exceptions=({"first": "2026-12-24", "last": "2026-12-24", "periods": "9:00-12:00"},)),
        'Did you mean "09:00"?',
        id="exception: hour of one digit",
    ),
    pytest.param(Schedule, schedule(holidays_country="XX"), "are not known", id="schedule: country"),
    pytest.param(
        Schedule, schedule(holidays_country="DE", holidays_subdivision="by"), 'Did you mean "BY"?', id="subdivision"
    ),
    pytest.param(
        JobType,
        kind({"name": "scene"}, template="true\necho '$scene'"),
        "Template: Line 2: $scene stands inside single quotes",
        id="template: single quotes",
    ),
    pytest.param(JobType, kind(template="echo 'a"), "Template: Line 1", id="template: open quote"),
    pytest.param(JobType, kind(template="   "), "This field is required.", id="template: blank"),
    pytest.param(JobType, kind({"name": "1st"}), "not starting with a digit", id="parameter: name begins with a digit"),
    pytest.param(
        JobType, kind({"name": "scene"}, {"name": "Scene"}), "differ only by case", id="parameter: twin by case"
    ),
    pytest.param(
        JobType, kind({"name": "n", "type": "Int", "default": "5.0"}), "whole number", id="parameter: default"
    ),
    pytest.param(JobType, kind({"name": "q", "type": "Choice"}), "needs the list of its choices", id="no choices"),
    pytest.param(JobType, kind({"name": "q", "choices": "a"}), "Only a Choice has choices", id="choices of a text"),
    pytest.param(JobType, kind(environment='{"1": "a"}'), "is not a name", id="environment: name"),
    pytest.param(JobType, kind(environment='{"A": 1}'), "is not text", id="environment: number"),
    pytest.param(JobType, kind(environment='{"UID": "0"}'), "Choose another name.", id="environment: the shell's"),
    pytest.param(JobType, kind(environment='{"BY_x": "0"}'), "BY_x", id="environment: a parameter's"),
    pytest.param(Host, host(address="root@build1"), "holds a user", id="host: user in the address"),
    pytest.param(Host, host(address="build1:22"), "holds a port", id="host: port in the address"),
    pytest.param(Host, host(address=""), "needs an address", id="host: no address"),
    pytest.param(Host, host(port=70000), "less than or equal to 65535", id="host: port"),
    pytest.param(Host, host(key="../id_rsa"), "is not the plain name of a file", id="host: key elsewhere"),
    pytest.param(Host, host(key="absent"), "There is no key file absent", id="host: no such key"),
    pytest.param(Host, host(host_keys="ssh-ed25519 AAAA"), "Line 1", id="host: host key"),
    pytest.param(Host, host(directory="runs"), "is an absolute path", id="host: relative directory"),
    pytest.param(Host, host(seats=0), "greater than or equal to 1", id="host: no seat"),
    pytest.param(Host, host(variables='{"a b": "1"}'), "is not a name", id="host: variable"),
    pytest.param(Pool, pool(name=""), "This field is required.", id="pool: no name"),
    pytest.param(User, {"username": "x y", "usable_password": "false"}, "Enter a valid username.", id="user: name"),
]


@pytest.mark.parametrize(("model", "sent", "message"), REFUSED)
def test_what_is_impossible_is_refused_with_a_message_that_helps(
    page: Client, model: type[Model], sent: Sent, message: str
) -> None:
    before = model._default_manager.count()

    told = add(page, model, sent)

    assert message in told
    assert model._default_manager.count() == before


def test_a_queue_has_a_host_or_a_pool_not_both(page: Client) -> None:
    row = make_host()

    told = add(page, Queue, queue(host=row.pk, pool=make_pool("farm", row).pk))

    assert "not both" in told
    assert not Queue.objects.exists()


def test_a_host_stands_in_a_pool_once(page: Client) -> None:
    row = make_host()

    told = add(page, Pool, pool({"position": 1, "host": row.pk}, {"position": 2, "host": row.pk}))

    assert "duplicate" in told
    assert not Pool.objects.exists()


def test_a_name_that_is_taken_is_refused(page: Client) -> None:
    make_queue("nightly")

    assert "already exists" in add(page, Queue, queue())


def test_a_template_cannot_quote_a_variable_of_the_site(page: Client) -> None:
    site = Site.get()
    site.variables = {"scratch": "/tmp"}
    site.save(update_fields=["variables"])

    assert "$scratch stands inside single quotes" in add(page, JobType, kind(template="ls '$scratch'"))


# --- deleting ---


def delete(page: Client, row: Model) -> str:
    return text(page.post(url(type(row), "delete", row.pk), {"post": "yes"}, follow=True))


@pytest.mark.parametrize("model", [Queue, JobType, Schedule, Host, User], ids=lambda model: model.__name__)
def test_what_is_in_use_stays_and_the_page_says_by_what(page: Client, model: type[Model]) -> None:
    job = make_job()
    Queue.objects.update(schedule=make_schedule(), host=job.queue.host or make_host())
    used = {
        Queue: job.queue,
        JobType: job.type,
        Schedule: Schedule.objects.get(),
        Host: Host.objects.get(),
        User: job.owner,
    }

    told = delete(page, used[model])

    assert "1 queue" in told if model in {Schedule, Host} else "1 job" in told
    assert model._default_manager.filter(pk=used[model].pk).exists()


@pytest.mark.parametrize("model", [Queue, JobType, Schedule, Host, Pool, User], ids=lambda model: model.__name__)
def test_what_nothing_needs_any_more_is_deleted_with_all_that_is_a_part_of_it(page: Client, model: type[Model]) -> None:
    job = make_job()
    job.delete()
    spare = make_host("spare")
    Lease.objects.create(host=spare, seat=0, holder=1, taken_at=MONDAY_NOON, released_at=MONDAY_NOON)
    rows = {
        Queue: Queue.objects.get(), JobType: JobType.objects.get(), Schedule: make_schedule(), Host: spare,
        Pool: make_pool("farm", spare), User: job.owner,
    }  # fmt: skip

    delete(page, rows[model])

    assert not model._default_manager.filter(pk=rows[model].pk).exists()


def test_a_queue_that_got_a_job_after_the_question_stays(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    row = make_queue()
    monkeypatch.setattr("scheduler_site.admin_parts.uses_of", lambda *_args, **_named: [])
    make_job()

    told = delete(page, row)

    assert 'Queue "anytime" has jobs: 1 ready.' in told
    assert Queue.objects.filter(pk=row.pk).exists()
    assert Job.objects.exists()


# --- actions ---


@pytest.mark.parametrize(("model", "make"), [(Queue, make_queue), (Host, make_host)], ids=["queues", "hosts"])
def test_selected_ones_are_disabled_and_enabled(page: Client, model: type[Queue | Host], make: Any) -> None:
    row = make()
    sent = {"_selected_action": [row.pk]}

    page.post(url(model, "changelist"), {**sent, "action": "disable"})
    row.refresh_from_db()
    assert not row.enabled

    page.post(url(model, "changelist"), {**sent, "action": "enable"})
    row.refresh_from_db()
    assert row.enabled


def test_a_key_file_that_others_may_read_is_refused(page: Client, settings: Any, tmp_path: Path) -> None:
    settings.BATCHYARD_KEY_DIR = tmp_path
    (tmp_path / "open").write_text("a key")
    (tmp_path / "open").chmod(0o644)

    told = add(page, Host, host(key="open", transport=TransportKind.SSH))

    assert "chmod 600" in told
