"""What is secret goes into the API and never comes out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from hosts.credentials import KeyPair, pair_of
from hosts.models import Host
from jobs.models import JobSecret
from tests.api.parts import V1, assert_error
from tests.servers.sshd import make_key

SECRET = "correct-horse-5f1c2b7d"
TYPE = {
    "name": "login", "template": 'cat "$password"',
    "params": [{"name": "password", "type": "Secret", "required": True}],
}  # fmt: skip
HOST = {"name": "build1", "address": "build1.example.org", "transport": "ssh", "user": "batch"}


@pytest.fixture
def private_key(tmp_path: Path) -> str:
    return make_key(tmp_path / "key", kind="ed25519", passphrase="open sesame").read_text()


@pytest.fixture
def login(api: APIClient, site: None) -> dict[str, Any]:
    assert api.post(f"{V1}/job-types", TYPE).status_code == 201
    told: dict[str, Any] = api.post(
        f"{V1}/jobs", {"queue": "nightly", "type": "login", "params": {"password": SECRET}}
    ).json()
    return told


def audit_texts() -> str:
    return repr(list(AuditEntry.objects.values_list()))


def test_a_job_is_told_without_its_secret(api: APIClient, login: dict[str, Any]) -> None:
    told = [api.get(f"{V1}/jobs/{login['id']}{part}").content.decode() for part in ("", "/events", "/explain")]

    assert login["params"] == {"password": "***"}
    assert SECRET not in "".join(told) + api.get(f"{V1}/jobs").content.decode() + audit_texts()
    assert JobSecret.objects.filter(job=login["id"]).exists()


def test_a_type_with_a_secret_is_told_as_it_was_defined(api: APIClient, login: dict[str, Any]) -> None:
    [declared] = api.get(f"{V1}/job-types/login").json()["params"]

    assert (declared["type"], declared["default"]) == ("Secret", None)


def test_a_default_of_a_secret_is_refused_and_not_repeated(api: APIClient) -> None:
    answer = api.post(f"{V1}/job-types", TYPE | {"params": [{"name": "p", "type": "Secret", "default": SECRET}]})

    told = assert_error(answer, 400, code="secret_default", field="params[0].default")
    assert SECRET not in str(told)


def test_a_short_secret_is_refused_with_the_reason(api: APIClient, login: dict[str, Any]) -> None:
    answer = api.post(f"{V1}/jobs", {"queue": "nightly", "type": "login", "params": {"password": "abc12"}})

    told = assert_error(answer, 400, code="too_short", field="params.password")
    assert "fewer than 6 characters" in told["message"]
    assert "abc12" not in str(told)


def test_a_host_is_given_a_private_key_and_does_not_tell_it(api: APIClient, private_key: str) -> None:
    answer = api.post(f"{V1}/hosts", {**HOST, "private_key": private_key, "passphrase": "open sesame"})

    told = answer.json()
    assert answer.status_code == 201, told
    assert told["has_private_key"] is True
    assert not {"private_key", "passphrase"} & set(told)
    assert pair_of(Host.objects.get()) == KeyPair(private_key, "open sesame")
    assert "open sesame" not in audit_texts() + str(told)
    assert private_key.splitlines()[1] not in audit_texts() + str(told)
    assert AuditEntry.objects.filter(kind="hosts.host", after__private_key="***").exists()


def test_the_list_of_hosts_tells_who_has_one(api: APIClient, private_key: str, django_assert_num_queries: Any) -> None:
    api.post(f"{V1}/hosts", {**HOST, "private_key": private_key, "passphrase": "open sesame"})
    api.post(f"{V1}/hosts", {**HOST, "name": "build2"})

    told = api.get(f"{V1}/hosts").json()["results"]

    assert [(host["name"], host["has_private_key"]) for host in told] == [("build1", True), ("build2", False)]


def test_a_private_key_can_be_replaced_and_removed(api: APIClient, private_key: str, tmp_path: Path) -> None:
    api.post(f"{V1}/hosts", {**HOST, "private_key": private_key, "passphrase": "open sesame"})
    other = make_key(tmp_path / "other", kind="ed25519").read_text()

    replaced = api.patch(f"{V1}/hosts/build1", {"private_key": other})
    assert pair_of(Host.objects.get()) == KeyPair(other)
    kept = api.patch(f"{V1}/hosts/build1", {"seats": 3})
    removed = api.patch(f"{V1}/hosts/build1", {"private_key": None})

    told = [answer.json()["has_private_key"] for answer in (replaced, kept, removed)]
    assert told == [True, True, False]
    assert pair_of(Host.objects.get()) is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        pytest.param({"private_key": "hunter2 hunter2"}, "private_key", id="no key"),
        pytest.param({"private_key": "KEY", "passphrase": "hunter2 hunter2"}, "private_key", id="wrong passphrase"),
        pytest.param({"private_key": "KEY"}, "private_key", id="no passphrase"),
        pytest.param({"passphrase": "hunter2 hunter2"}, "passphrase", id="passphrase alone"),
        pytest.param(
            {"private_key": "KEY", "passphrase": "open sesame", "key": "id_site"}, "key", id="a key file as well"
        ),
    ],
)
def test_what_no_engine_could_use_is_refused_and_not_repeated(
    api: APIClient, private_key: str, settings: LazySettings, given: dict[str, str], field: str
) -> None:
    make_key(Path(settings.BATCHYARD_KEY_DIR) / "id_site", kind="ed25519")
    told = {name: private_key if value == "KEY" else value for name, value in given.items()}

    answer = api.post(f"{V1}/hosts", {**HOST, **told})

    assert "hunter2" not in str(assert_error(answer, 400, field=field))
    assert not Host.objects.exists()


def test_a_passphrase_that_others_can_read_is_refused_when_the_host_is_saved(
    api: APIClient, settings: LazySettings
) -> None:
    directory = Path(settings.BATCHYARD_KEY_DIR)
    make_key(directory / "id_site", kind="ed25519", passphrase="open sesame")
    (directory / "id_site.passphrase").write_text("open sesame\n")
    (directory / "id_site.passphrase").chmod(0o644)

    refused = api.post(f"{V1}/hosts", {**HOST, "key": "id_site"})
    (directory / "id_site.passphrase").chmod(0o600)
    taken = api.post(f"{V1}/hosts", {**HOST, "key": "id_site"})

    told = assert_error(refused, 400, field="key")
    assert "id_site.passphrase may be used by others" in told["message"]
    assert taken.status_code == 201
