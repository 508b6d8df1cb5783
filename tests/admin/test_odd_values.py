"""Odd values in forms and addresses: told beside the field, nothing half written, no page that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from accounts.models import Grant, User
from hosts.models import Host, Pool
from jobs.models import Job, JobState, JobType, Queue, Schedule, Site
from jobs.queueing import control
from tests.admin.pages import fields_of, inline, text, url
from tests.admin.rows import fill
from tests.admin.test_definition_pages import host, kind, pool, queue, schedule
from tests.builders import MONDAY_NOON, grant, make_host, make_job, make_queue, make_schedule, make_type, make_user

Make = Callable[..., dict[str, Any]]
FORMS: dict[type[Model], Make] = {Queue: queue, Schedule: schedule, JobType: kind, Host: host, Pool: pool}
SHOWN: list[type[Model]] = [*admin.site._registry]

NAMES = {
    "empty": "", "blanks": "   ", "zero width": "\u200b", "256": "n" * 256, "10000": "n" * 10_000, "NUL": "a\0b",
    "newline": "a\nb", "tab": "a\tb", "escape": "a\x1b[31m", "dots": "..", "dot": ".", "slash": "a/b",
    "backslash": "a\\b", "way up": "../../etc/passwd", "encoded": "%2e%2e%2f", "option": "-rf", "file": "@file",
    "home": "~", "variable": "$HOME", "command": "a;id", "backticks": "`id`", "star": "*", "quotes": "'\"",
    "braces": "{{7*7}}", "tag": "{% debug %}", "percent": "%(name)s", "format": "{0.__class__}",
    "markup": "<script>alert(1)</script>", "scheme": "javascript:1", "right to left": "a\u202eb",
    "combining": "a" + "\u0301" * 5000, "look-alike": "\u0430bc", "balloon": "\U0001f388", "reserved": "None",
    "prototype": "__proto__",
}  # fmt: skip
NUMBERS = {
    "below": "-1", "2^64": str(2**64), "10^100": str(10**100), "1e309": "1e309", "NaN": "NaN", "infinite": "Infinity",
    "hex": "0x10", "word": "many", "yes": "true", "half": "0.5", "5000 digits": "9" * 5000, "NUL": "1\0",
}  # fmt: skip
COUNTS: dict[type[Model], tuple[str, ...]] = {
    Queue: ("max_running", "weight", "autostart_count"),
    JobType: ("max_running", "retry_count", "time_limit_seconds", "grace_seconds", "retry_delay_seconds"),
    Host: ("seats", "port"),
}
ZONES = ["Mars/Phobos", "../../etc/localtime", "+25:00", "", "Europe/Berlin\0", "z" * 1000, "/etc/passwd"]
CLOCKS = ["25:00", "24:00", "12:60", "12:00:60", "-1:00", "noon", "", "12:00\0", "9" * 400]
DATES = ["2026-02-30", "2027-02-29", "0000-01-01", "10000-01-01", "-1-01-01", "tomorrow", "", "2026-01-01\0"]
ADDRESSES = ["root@build1", "build1:22", "-oProxyCommand=id", "a b", "a" * 10_000, "a\0b", "a\nb", ""]
OBJECTS = ['{"A": "\\ud800"}', '{"A": "\\u0000"}', "[1]", "null1", '{"A": 1}', '{"LD PRELOAD": "x"}', '{"": "x"}',
           '{"a=b": "x"}', "[" * 100_000, '{"A": ' * 5000, "NaN"]  # fmt: skip
ODD_KEYS = ["0", "-1", "9" * 40, "%00", "..", "é", "1e3", "a" * 300, "1_0", "'"]
POLYGLOT = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}javascript:alert(3)"


def ids(values: list[str]) -> list[str]:
    return [repr(value)[:20] for value in values]


def refused(page: Client, model: type[Model], sent: dict[str, Any]) -> Any:
    """The page that answers the form to add one, which must have refused it and changed nothing."""
    before = model._default_manager.count()
    answer = page.post(url(model, "add"), sent)
    assert answer.status_code == 200, text(answer)
    assert model._default_manager.count() == before
    return answer


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model.__name__)
def test_odd_names_are_refused_beside_the_field(page: Client, model: type[Model]) -> None:
    for what, name in NAMES.items():
        answer = refused(page, model, FORMS[model](name=name))
        assert answer.context["adminform"].form.errors.get("name"), what


@pytest.mark.parametrize("model", COUNTS, ids=lambda model: model.__name__)
def test_odd_numbers_are_refused_each_beside_its_field(page: Client, model: type[Model]) -> None:
    for what, number in NUMBERS.items():
        answer = refused(page, model, FORMS[model](**dict.fromkeys(COUNTS[model], number)))
        assert set(answer.context["adminform"].form.errors) == set(COUNTS[model]), what


@pytest.mark.parametrize("zone", ZONES, ids=ids(ZONES))
def test_odd_zones_are_refused_beside_the_field(page: Client, zone: str) -> None:
    assert refused(page, Schedule, schedule(zone=zone)).context["adminform"].form.errors.get("zone")


@pytest.mark.parametrize("clock", CLOCKS, ids=ids(CLOCKS))
def test_odd_times_are_refused_beside_the_field(page: Client, clock: str) -> None:
    answer = refused(page, Schedule, schedule(windows=({"begin": clock, "end": "06:00"},)))

    assert answer.context["inline_admin_formsets"][0].formset.forms[0].errors.get("begin")


@pytest.mark.parametrize("date", DATES, ids=ids(DATES))
def test_odd_dates_are_refused_beside_the_field(page: Client, date: str) -> None:
    answer = refused(page, Schedule, schedule(exceptions=({"first": date, "last": "2026-12-24"},)))

    assert answer.context["inline_admin_formsets"][1].formset.forms[0].errors.get("first")


@pytest.mark.parametrize("address", ADDRESSES, ids=ids(ADDRESSES))
def test_odd_addresses_of_hosts_are_refused_beside_the_field(page: Client, address: str) -> None:
    assert refused(page, Host, host(address=address)).context["adminform"].form.errors.get("address")


@pytest.mark.parametrize("value", OBJECTS, ids=ids(OBJECTS))
@pytest.mark.parametrize(("model", "field"), [(JobType, "environment"), (Host, "variables")], ids=["type", "host"])
def test_odd_objects_are_refused_beside_the_field(page: Client, model: type[Model], field: str, value: str) -> None:
    assert refused(page, model, FORMS[model](**{field: value})).context["adminform"].form.errors.get(field)


@pytest.mark.parametrize("value", OBJECTS, ids=ids(OBJECTS))
def test_odd_values_of_the_site_are_refused_beside_the_field(page: Client, value: str) -> None:
    answer = page.post(url(Site, "change", Site.get().pk), {"variables": value})

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.get("variables")
    assert Site.get().variables == {}


@pytest.mark.parametrize("params", OBJECTS, ids=ids(OBJECTS))
def test_odd_parameters_of_a_job_are_refused(page: Client, params: str) -> None:
    sent = {"queue": make_queue().pk, "type": make_type().pk, "params": params, "priority": 0}

    answer = refused(page, Job, sent)

    assert answer.context["adminform"].form.errors


@pytest.mark.parametrize("name", ["BASH ENV", "1X", "a=b", "a" * 65, "a\0b"], ids=repr)
def test_odd_parameter_names_are_refused(page: Client, name: str) -> None:
    answer = refused(page, JobType, kind({"name": name}))

    assert answer.context["inline_admin_formsets"][0].formset.forms[0].errors


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_addresses_of_nothing_are_missing_and_break_nothing(page: Client, model: type[Model]) -> None:
    for number, key in enumerate(ODD_KEYS):
        word = ("change", "delete", "history")[number % 3]
        address = url(model, word, "KEY").replace("KEY", key)
        assert page.get(address).status_code in {302, 403, 404}, address


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_odd_questions_to_a_list_break_nothing(page: Client, model: type[Model]) -> None:
    fill()
    asked = ["q=%00", f"q={'9' * 400}", "p=x", "p=-1", f"p={'9' * 30}", "o=x.y", f"o={'9' * 30}", "all=x",
             "nonsense=1", "user__password__startswith=a", "id__exact=x", f"id__exact={'9' * 30}"]  # fmt: skip

    for question in asked:
        answer = page.get(f"{url(model, 'changelist')}?{question}")
        assert answer.status_code in {200, 302, 400}, question


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model.__name__)
def test_markup_in_what_is_stored_is_shown_as_text(page: Client, model: type[Model]) -> None:
    page.post(
        url(model, "add"), FORMS[model](**({"startup_commands": POLYGLOT} if model is Host else {"title": POLYGLOT}))
    )
    row = model._default_manager.get()

    for address in (url(model, "changelist"), *(url(model, word, row.pk) for word in ("change", "delete", "history"))):
        source = page.get(address).content.decode()
        assert "<script>alert(1)" not in source, address
        assert "<img src=x" not in source, address


def test_markup_in_a_job_is_shown_as_text_where_it_is_told(page: Client) -> None:
    job = make_job(POLYGLOT, notes=POLYGLOT)
    address = url(Job, "change", job.pk)
    page.post(address, fields_of(page, address) | {"notes": POLYGLOT + "!"})

    for told in (address, url(Job, "history", job.pk), url(Job, "changelist") + "?q=alert", "/admin/"):
        source = page.get(told).content.decode()
        assert "<script>alert(1)" not in source
        assert "<img src=x" not in source


# --- time passes between a form and its answer ---


def test_a_form_that_is_sent_again_makes_one_job(page: Client) -> None:
    sent = {"queue": make_queue().pk, "type": make_type().pk, "params": '{"command": "true"}', "priority": 0}
    sent["_once"] = page.get(url(Job, "add")).context["once"]

    page.post(url(Job, "add"), sent)
    again = page.post(url(Job, "add"), sent)
    other = page.post(url(Job, "add"), sent | {"priority": 5})

    assert again.status_code == 302
    assert Job.objects.count() == 1
    assert "made a job already" in text(other)
    page.post(url(Job, "add"), sent | {"priority": 5, "_once": other.context["once"]})
    assert Job.objects.count() == 2


@pytest.mark.parametrize("model", [Queue, Schedule, JobType, Host], ids=lambda model: model.__name__)
def test_the_form_of_a_row_that_is_gone_says_so(page: Client, model: type[Model]) -> None:
    make: dict[type[Model], Callable[[], Any]] = {
        Queue: make_queue, Schedule: make_schedule, JobType: make_type, Host: make_host
    }  # fmt: skip
    row = make[model]()
    address = url(model, "change", row.pk)
    sent = fields_of(page, address)
    row.delete()

    told = text(page.post(address, sent, follow=True))

    assert "exist" in told
    assert not model._default_manager.exists()


def test_whoever_lost_the_permission_meanwhile_is_refused(db: None) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    grant(clerk, "ManageQueues")
    client, row = Client(), make_queue()
    client.force_login(clerk)
    sent = fields_of(client, url(Queue, "change", row.pk))
    Grant.objects.all().delete()

    answer = client.post(url(Queue, "change", row.pk), sent | {"title": "mine"})

    assert answer.status_code == 403
    assert Queue.objects.get().title == ""


def test_whoever_saves_over_a_change_of_somebody_else_is_told_once(page: Client) -> None:
    row = make_schedule(zone="UTC")
    address = url(Schedule, "change", row.pk)
    answer = page.get(address)
    sent = fields_of(page, address) | {"_seen": answer.context["seen"], "title": "mine"}
    row.windows.all().delete()
    sent |= inline("windows")

    first = page.post(address, sent)
    assert "changed this meanwhile: windows" in text(first)
    assert Schedule.objects.get().title == ""

    page.post(address, sent | {"_seen": first.context["seen"]})
    assert Schedule.objects.get().title == "mine"


def test_one_action_on_very_many_jobs_does_what_it_can_and_counts_the_rest(page: Client) -> None:
    ended = make_job()
    control.cancel(ended, actor="boss", at=MONDAY_NOON)
    owner = make_user()
    for _number in range(300):
        make_job(owner=owner)
    sent = {"action": "hold", "select_across": "1", "_selected_action": [ended.pk]}

    told = text(page.post(url(Job, "changelist"), sent, follow=True))

    assert "300 jobs: done." in told
    assert f"Job {ended.pk} is cancelled" in told
    assert Job.objects.filter(state=JobState.BLOCKED, is_held=True).count() == 300
