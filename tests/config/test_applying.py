from __future__ import annotations

import io
import json
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry, Grant, User
from hosts.models import Host, Pool
from jobs.config.text.applying import apply
from jobs.config.text.exporting import site_json, site_text, withheld
from jobs.config.text.reading import Document, read_text
from jobs.models import Job, JobType, Queue, Schedule, Site
from jobs.problems import Problems
from tests.architecture.sources import ROOT
from tests.builders import grant, make_host, make_job, make_pool, make_queue, make_schedule, make_type, make_user

pytestmark = pytest.mark.django_db

SITE = """
variables: {cluster: left}
hosts:
  - {name: far, address: far.example, user: render, seats: 3, variables: {cache: /fast}}
pools:
  - {name: both, hosts: [far]}
schedules:
  - name: nights
    zone: Europe/Berlin
    weekdays: [Friday]
    periods: [{begin: 22:00:00, end: 06:00:00}]
job-types:
  - name: render
    template: |
      echo $scene
      echo $cluster $cache
    params: [{name: scene, type: String}]
    on_fail: {retry: {when: later, count: 2}}
queues:
  - {name: nightly, schedule: nights, pool: both, max_running: 2}
grants:
  - {user: alice, permission: ViewJobs, queue: nightly}
"""


def document(text: str) -> Document:
    return read_text(text.encode(), name="site.yaml")


def refusal(text: str) -> str:
    before = site_json()
    with pytest.raises(Problems) as caught:
        apply(document(text))
    assert site_json() == before
    return "\n".join(problem.message for problem in caught.value.problems)


def emptied() -> None:
    """The site without anything that a text can define."""
    for model in (Grant, Queue, JobType, Schedule, Pool, Host):
        model._default_manager.all().delete()
    Site.objects.all().delete()


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice")


def test_a_text_makes_everything_that_it_names(alice: User) -> None:
    done = apply(document(SITE))

    assert len(done.made) == 6
    assert Queue.objects.get().pool == Pool.objects.get()
    assert Schedule.objects.get().windows.get().begin == time(22)
    assert JobType.objects.get().retry_count == 2
    assert Grant.objects.get().user == alice
    assert Site.get().variables == {"cluster": "left"}


def test_the_example_of_the_page_is_possible(alice: User) -> None:
    page = (ROOT / "docs" / "howto" / "configuration.md").read_text()
    lines = page[page.index("    variables:") : page.index("- All of it")].splitlines()

    done = apply(document("\n".join(line.removeprefix("    ") for line in lines)))

    assert len(done.made) == 5


def test_the_same_text_again_changes_nothing(alice: User) -> None:
    apply(document(SITE))
    entries = AuditEntry.objects.count()

    done = apply(document(SITE))

    assert (done.made, done.changed, done.unchanged) == ([], [], 6)
    assert AuditEntry.objects.count() == entries


def test_what_a_text_does_not_say_stays(alice: User) -> None:
    apply(document(SITE))
    make_queue("other")

    done = apply(document("queues: [{name: nightly, title: Nights}]"))

    queue = Queue.objects.get(name="nightly")
    assert done.changed == ['queue "nightly"']
    assert (queue.title, queue.max_running) == ("Nights", 2)
    assert Queue.objects.filter(name="other").exists()


def test_what_was_submitted_before_keeps_its_values(alice: User) -> None:
    apply(document(SITE))
    make_host()
    job = make_job(queue="nightly", type="render", params={"scene": "a"})

    apply(document("job-types: [{name: render, params: [], template: 'true'}]"))

    assert Job.objects.get(pk=job.pk).params == {"scene": "a"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("queus: []", 'site.yaml:1: queus: There is no key "queus" here.', id="210 a key"),
        pytest.param("hosts:\n - name: x\n   adress: y", "site.yaml:3: hosts[0].adress:", id="210 a key of a host"),
        pytest.param("queues:\n - name: q\n   enable: true", "site.yaml:3: queues[0].enable:", id="210 of a queue"),
        pytest.param("queues: {a: 1}", "site.yaml:1: queues:", id="211 an object for a list"),
        pytest.param("queues: [nightly]", "site.yaml:1: queues[0]:", id="211 a text for an object"),
        pytest.param(
            "queues:\n - name: q\n   enabled: yes", "site.yaml:3: queues[0].enabled: This is a text", id="203"
        ),
        pytest.param("hosts:\n - {name: h, seats: many}", "site.yaml:2: hosts[0].seats:", id="211 a word for a number"),
        pytest.param("variables: [a]", "site.yaml:1: variables:", id="211 a list for variables"),
        pytest.param("- a", "site.yaml:1: ", id="211 a list for all"),
        pytest.param(
            "queues:\n - name: q\n   schedule: night", "site.yaml:3: queues[0].schedule: There is no", id="name"
        ),
        pytest.param("pools: [{name: p, hosts: [h]}]", 'There is no host "h"', id="a pool's host"),
        pytest.param("job-types: [{name: t, template: \"echo '$x'\", params: [{name: x}]}]", "quotes", id="quotes"),
        pytest.param("grants: [{user: nobody, permission: ViewJobs}]", 'There is no user "nobody"', id="a user"),
        pytest.param("variables: {1x: a}", "cannot name a variable", id="a variable"),
    ],
)
def test_a_text_with_anything_wrong_changes_nothing(text: str, told: str) -> None:
    message = refusal(f"{text}\n")

    assert told in message, message


def test_210_the_nearest_key_is_told() -> None:
    with pytest.raises(Problems) as caught:
        apply(document("hosts: [{name: far, adress: x}]\nqueues: [{name: q, enable: true}]"))
    assert caught.value.problems[0].hint == 'Did you mean "address"?'

    with pytest.raises(Problems) as caught:
        apply(document("queues: [{name: q, enable: true}]"))
    assert caught.value.problems[0].hint == 'Did you mean "enabled"?'


def test_all_that_is_wrong_is_told_at_once_and_what_is_right_is_not_made() -> None:
    message = refusal("queues:\n - {name: right}\n - {name: 'w w'}\n - {name: x, weight: 0}\n")

    assert "site.yaml:3: queues[1].name" in message
    assert "site.yaml:4: queues[2].weight" in message


def test_a_dry_run_tells_and_changes_nothing(alice: User, tmp_path: Path) -> None:
    path, out = tmp_path / "site.yaml", io.StringIO()
    path.write_text(SITE)

    call_command("apply_config", str(path), "--dry-run", stdout=out)

    assert 'Made queue "nightly".' in out.getvalue()
    assert "6 made, 1 changed, 0 as they were." in out.getvalue()
    assert not Queue.objects.exists()


def test_the_command_tells_what_is_wrong_and_that_nothing_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("queues: [{name: q}, {name: q q}]")

    with pytest.raises(CommandError, match=r"(?s)site\.yaml:1: queues\[1\]\.name.*Nothing was changed\."):
        call_command("apply_config", str(path))

    assert not Queue.objects.exists()


def test_213_secrets_are_not_exported_warned_of_and_not_removed(alice: User) -> None:
    site = Site.get()
    site.variables = {"db_password": "swordfish", "cluster": "left"}
    site.save()
    make_host("far", variables={"api_key": "swordfish", "cache": "/fast"})
    make_type("t", params=(), template="true", environment={"TOKEN": "swordfish"})
    alice.set_password("swordfish")
    alice.save()

    text = site_text()

    assert "swordfish" not in text
    assert withheld() == ["db_password of the site", 'api_key of host "far"', 'TOKEN of job type "t"']
    assert apply(document(text)).changed == []
    assert Host.objects.get(name="far").variables == {"api_key": "swordfish", "cache": "/fast"}
    told = apply(document("hosts:\n - name: far\n   variables: {api_key: x}"))
    assert told.warnings == ["site.yaml:3: hosts[0].variables.api_key: This looks like a secret, in plain text."]
    assert site_json()["variables"] == {"cluster": "left"}


def test_the_export_of_rows_that_pages_made_is_read_back(alice: User) -> None:
    host = make_host("localhost", seats=4)
    make_pool("both", host)
    make_queue("q", schedule=make_schedule("s"), host=host, weight=3)
    make_type("t", template="#!/usr/bin/env python3\nprint('x')\n", on_fail="retry", time_limit_seconds=5)
    grant(alice, "CreateJobs", queue=Queue.objects.get(), is_default_host=True)
    before = site_text()
    emptied()

    apply(document(before))

    assert site_text() == before


# --- any site ---

NAMES = st.sampled_from(["a", "b.c", "no", "on", "yes", "12", "1e3", "x_y-z"])
LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"]), max_size=20)
TIMES = st.builds("{:02}:{:02}:00".format, st.integers(0, 23), st.sampled_from([0, 30]))
PERIODS = st.lists(st.fixed_dictionaries({"begin": TIMES, "end": TIMES}), max_size=3)
DAYS = st.lists(st.sampled_from(["Monday", "Friday", "Sunday"]), unique=True, max_size=3)
SCHEDULE = st.fixed_dictionaries(
    {"name": NAMES, "title": LINES, "zone": st.sampled_from(["UTC", "Europe/Berlin"])},
    optional={
        "exceptions": st.just([{"from": "2026-12-24", "to": "2026-12-26", "closed": True, "note": "no"}]),
        "holidays": st.just({"country": "DE", "subdivision": "BY"}),
    },
)
TIMING = st.one_of(
    st.fixed_dictionaries({"weekdays": DAYS, "periods": PERIODS}),
    st.fixed_dictionaries({"windows": st.lists(
        st.fixed_dictionaries({"weekdays": DAYS, "begin": TIMES, "end": TIMES}), max_size=3)}),
)  # fmt: skip
TEMPLATES = st.sampled_from(
    [
        "true",
        "echo $x\n",
        "echo  $x \n\n# ü\t\n",
        "#!/bin/sh\nset -e\n: '12:30'\n",
        "cat <<END\n  yes\nEND\n",
        'echo "$x"',
    ]
)
DEFAULTS = st.sampled_from([None, "yes", "5", "~", "a: b", " lead", "trail ", "two\nlines"])
TYPE = st.builds(
    lambda name, title, template, default, fail, limit: {
        "name": name, "title": title, "template": template, "on_fail": fail, "time_limit": limit,
        "params": [{"name": "x", "type": "String", "default": default}], "environment": {"LANG": "C", "NO": "off"},
    },
    NAMES, LINES, TEMPLATES, DEFAULTS,
    st.sampled_from(["continue", "retry", {"retry": {"when": "later", "count": 7, "delay": 5}}]),
    st.none() | st.integers(1, 9),
)  # fmt: skip
HOST = st.fixed_dictionaries(
    {"name": NAMES, "address": st.sampled_from(["far.example", "10.0.0.1"]), "seats": st.integers(1, 9)},
    optional={"variables": st.dictionaries(st.sampled_from(["cache", "NO"]), LINES),
              "startup_commands": TEMPLATES, "enabled": st.booleans(), "directory": st.just("/srv/runs")},
)  # fmt: skip


def named(strategy: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(strategy, max_size=3, unique_by=lambda one: str(one["name"]))


@st.composite
def sites(draw: st.DrawFn) -> dict[str, Any]:
    hosts, types = draw(named(HOST)), draw(named(TYPE))
    schedules = [{**draw(SCHEDULE), "name": name, **draw(TIMING)} for name in draw(st.sets(NAMES, max_size=3))]
    names = [host["name"] for host in hosts]
    pools = [{"name": "p", "hosts": draw(st.permutations(names))}] if names else []
    places = [{}, *({"host": name} for name in names), *({"pool": pool["name"]} for pool in pools)]
    times: list[dict[str, Any]] = [{}, *({"schedule": one["name"]} for one in schedules)]
    queues = [
        {"name": name, "title": draw(LINES), **draw(st.sampled_from(places)), **draw(st.sampled_from(times))}
        for name in draw(st.sets(NAMES, max_size=3))
    ]
    grants = [{"user": "alice", "permission": "ManageJobs", "queue": queue["name"]} for queue in queues]
    return {
        "variables": draw(st.dictionaries(st.sampled_from(["cluster", "off"]), LINES)),
        "hosts": hosts, "pools": pools, "schedules": schedules, "job-types": types, "queues": queues, "grants": grants,
    }  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(site=sites())
def test_an_exported_site_is_read_back_as_it_was(alice: User, site: dict[str, Any]) -> None:
    with transaction.atomic():
        apply(document(json.dumps(site, ensure_ascii=False)))
        before = site_text()
        emptied()

        apply(document(before))

        assert site_text() == before
        transaction.set_rollback(True)
