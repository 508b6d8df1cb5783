"""Nothing that a definition says is lost on its way out and in again, by text and by the API."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import models
from rest_framework.test import APIClient

from accounts.models import Grant, User
from hosts.credentials import KeyPair, keep_pair
from hosts.definitions import STATE_COLUMNS
from hosts.models import Host, Pool, PoolMember
from jobs.config.text.applying import apply
from jobs.config.text.exporting import site_text
from jobs.config.text.reading import read_text
from jobs.models import DatedException, JobType, Parameter, Queue, Schedule, Site, Subscription, Window
from tests.api.conftest import client_of
from tests.api.parts import V1
from tests.builders import make_host, make_queue, make_type, make_user
from tests.config.test_applying import emptied
from tests.servers.sshd import make_key

pytestmark = pytest.mark.django_db

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0o5sZ3hYw0j0oYxkXG1l8V7q1D9kG1i8mBv0f0Q2aK"
# Every column of every model says something other than a new row would.
SITE: dict[str, Any] = {
    "variables": {"cluster": "left"},
    "hosts": [
        {"name": "near", "transport": "local"},
        {
            "name": "far", "enabled": False, "address": "far.example", "port": 2222, "user": "render", "key": "far",
            "host_keys": [HOST_KEY], "seats": 3, "directory": "/srv/runs", "input_directory": "/srv/in",
            "output_directory": "/srv/out", "startup_commands": "mount /srv\n", "variables": {"cache": "/fast"},
        },
    ],
    "pools": [{"name": "both", "title": "Both", "hosts": ["far", "near"]}],
    "schedules": [
        {
            "name": "nights", "title": "Nights", "zone": "Europe/Berlin",
            "windows": [
                {"weekdays": ["Friday"], "begin": "22:00:00", "end": "06:30:00"},
                {"weekdays": ["Sunday"], "begin": "01:00:00", "end": "02:00:00"},
            ],
            "exceptions": [
                {"from": "2030-12-24", "to": "2030-12-26", "closed": True, "note": "Christmas"},
                {"from": "2031-01-02", "to": "2031-01-03", "periods": [{"begin": "10:00:00", "end": "12:00:00"}],
                 "note": "stock"},
            ],
            "holidays": {"country": "DE", "subdivision": "BY", "effect": "closed"},
        },
    ],
    "job-types": [
        {
            "name": "render", "title": "Render", "template": "echo {scene} {how}\n", "syntax": "braces", "host": "far",
            "on_fail": {"retry": {"when": "later", "count": 7, "delay": 5}}, "time_limit": 60, "lost_after": 90,
            "grace": 3, "max_running": 2, "environment": {"LANG": "C"}, "directory": "/srv",
            "params": [
                {"name": "unused", "type": "Int", "title": "Unused", "default": "5"},
                {"name": "scene", "type": "InputFile", "title": "Scene", "required": True},
                {"name": "how", "type": "Choice", "title": "How", "default": "slow", "choices": ["fast", "slow"]},
            ],
        },
    ],
    "queues": [
        {"name": "placed", "host": "far"},
        {
            "name": "nightly", "title": "Nightly", "enabled": False, "schedule": "nights", "pool": "both",
            "max_running": 4, "weight": 2, "autostart_count": 9, "keep_days": 30,
        },
    ],
    "grants": [
        {"group": "crew", "permission": "ViewPools", "pool": "both"},
        {"user": "carol", "permission": "CreateJobs", "queue": "nightly", "type": "render", "host": "far"},
        {"user": "carol", "permission": "CreateJobs", "queue": "nightly", "host": "__default__"},
    ],
}  # fmt: skip
MODELS: tuple[type[models.Model], ...] = (
    Host, Pool, PoolMember, Schedule, Window, DatedException, JobType, Parameter, Queue, Grant,
)  # fmt: skip
# What is not said by people, or is only the way to what is.
NOT_SAID = frozenset({*STATE_COLUMNS, "id", "created_at", "pool_id", "schedule_id", "job_type_id"})
NOUNS = ("hosts", "pools", "schedules", "job-types", "queues")
# What the API tells beside what it takes.
ONLY_TOLD = {
    "hosts": {"has_private_key", "state", "state_since", "state_reason"}, "queues": {"counts"},
    "grants": {"id", "created_at"}, "subscriptions": {"id", "to", "created_at"},
}  # fmt: skip


def written() -> dict[str, list[dict[str, Any]]]:
    """Every row by its columns, with names in the place of numbers."""
    return {model.__name__: [_told(row) for row in model._default_manager.order_by("pk")] for model in MODELS}


def _told(row: models.Model) -> dict[str, Any]:
    fields = [field for field in row._meta.concrete_fields if field.attname not in NOT_SAID]
    return {field.name: str(value) if field.is_relation and (value := getattr(row, field.name)) else
            getattr(row, field.attname) for field in fields}  # fmt: skip


@pytest.fixture
def defined(settings: LazySettings, tmp_path: Path) -> None:
    """A site in which everything says something."""
    settings.BATCHYARD_KEY_DIR = tmp_path / "keys"
    settings.BATCHYARD_KEY_DIR.mkdir(mode=0o700)
    make_key(settings.BATCHYARD_KEY_DIR / "far", kind="ed25519")
    make_user("carol").groups.create(name="crew")
    apply(read_text(json.dumps(SITE).encode(), name="site.yaml"))


def test_the_example_says_something_in_every_column(defined: None) -> None:
    silent = []
    for model in MODELS:
        rows = list(model._default_manager.all())
        for field in model._meta.concrete_fields:
            new = field.get_default() if field.has_default() else None
            if field.attname not in NOT_SAID and all(getattr(row, field.attname) in (new, "", []) for row in rows):
                silent.append(f"{model.__name__}.{field.name}")

    assert silent == []


def test_a_text_says_everything_and_is_read_back_as_it_was(defined: None) -> None:
    before, text = written(), site_text()
    emptied()

    apply(read_text(text.encode(), name="site.yaml"))

    assert _by_name(written()) == _by_name(before)
    assert Site.get().variables == {"cluster": "left"}
    assert site_text() == text


@pytest.fixture
def api(db: None) -> APIClient:
    return client_of(User.objects.create_superuser("alice"))


def listed(api: APIClient, noun: str) -> list[dict[str, Any]]:
    """All of a kind, as they could be sent back."""
    answer = api.get(f"{V1}/{noun}", {"page_size": 500})
    assert answer.status_code == 200, answer.content
    rows = [dict(row) for row in answer.json()["results"]]
    return [{key: value for key, value in row.items() if key not in ONLY_TOLD.get(noun, ())} for row in rows]


def test_what_the_api_tells_can_be_sent_back_as_it_is(defined: None, api: APIClient) -> None:
    before, told = written(), {noun: listed(api, noun) for noun in (*NOUNS, "grants")}
    emptied()

    for noun, rows in told.items():
        for row in rows:
            answer = api.post(f"{V1}/{noun}", row)
            assert answer.status_code == 201, (noun, row, answer.content)

    assert _by_name(written()) == _by_name(before)
    assert {noun: listed(api, noun) for noun in told} == told


def _by_name(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """In any order but that of what has an order of its own: a list by the API is by name."""
    kept = {"PoolMember", "Window", "DatedException", "Parameter"}
    return {kind: [str(row) for row in told] if kind in kept else sorted(map(str, told)) for kind, told in rows.items()}


def test_a_subscription_can_be_sent_back_with_its_address(api: APIClient) -> None:
    make_queue("nightly")
    make_type("render", params=())
    make_host("far")
    url = "json://127.0.0.1:9/hook"
    sent = {
        "name": "all", "url": url, "events": ["failed", "late"], "enabled": False, "only_own": False,
        "queue": "nightly", "type": "render", "host": "far", "late_after": 60,
    }  # fmt: skip
    assert api.post(f"{V1}/subscriptions", sent).status_code == 201
    [told] = listed(api, "subscriptions")
    Subscription.objects.all().delete()

    assert api.post(f"{V1}/subscriptions", {**told, "url": url}).status_code == 201

    assert listed(api, "subscriptions") == [told]
    assert {**told, "url": url} == sent


def test_what_is_secret_is_named_and_left_out(
    defined: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = Host.objects.get(name="far")
    keep_pair(
        host, KeyPair(make_key(tmp_path / "given", kind="ed25519", passphrase="swordfish").read_text(), "swordfish")
    )
    out, err = io.StringIO(), io.StringIO()

    call_command("export_config", stdout=out, stderr=err)

    assert 'the private key of host "far"' in err.getvalue()
    assert "swordfish" not in out.getvalue() + err.getvalue()
    assert "PRIVATE KEY" not in out.getvalue()
