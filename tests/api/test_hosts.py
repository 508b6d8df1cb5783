from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import paramiko
import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from hosts.models import Host
from tests.api.parts import V1, assert_error, make_job, start
from tests.servers.sshd import Sshd

HOST = {"name": "build1", "address": "build1.example.org", "transport": "ssh", "user": "batch"}


@pytest.fixture
def key(settings: LazySettings) -> Path:
    """A private key in the key directory."""
    path = Path(settings.BATCHYARD_KEY_DIR) / "id_site"
    paramiko.ECDSAKey.generate().write_private_key_file(str(path))
    path.chmod(0o600)
    return path


def test_a_host_keeps_what_it_was_given(api: APIClient, key: Path) -> None:
    line = f"ecdsa-sha2-nistp256 {paramiko.ECDSAKey.generate().get_base64()}"
    given = {
        **HOST, "enabled": False, "port": 2222, "key": "id_site", "host_keys": [line], "seats": 3,
        "directory": "/var/tmp/by", "input_directory": "~/in", "output_directory": "/out",
        "startup_commands": "mount /data", "variables": {"blender": "/opt/b"},
    }  # fmt: skip

    answer = api.post(f"{V1}/hosts", given)

    told = answer.json()
    assert answer.status_code == 201, told
    assert {key: told[key] for key in given} == given
    assert (told["state"], told["state_since"], told["state_reason"]) == ("unknown", None, "")


@pytest.mark.parametrize(
    "address",
    ["build1", "build-1.example.org", "192.0.2.7", "2001:db8::7", "localhost", "127.0.0.1", "::1", "xn--mnchen-3ya.de"],
)
def test_names_and_addresses_of_machines_are_taken(api: APIClient, address: str) -> None:
    answer = api.post(f"{V1}/hosts", {**HOST, "address": address})

    assert answer.status_code == 201, answer.json()


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("", id="135 empty"),
        pytest.param("127.1", id="136 short IPv4"),
        pytest.param("0x7f000001", id="136 hex"),
        pytest.param("2130706433", id="136 decimal"),
        pytest.param("[::1]", id="136 brackets"),
        pytest.param("0.0.0.0", id="136 unspecified"),
        pytest.param("169.254.169.254", id="136 metadata"),
        pytest.param("fe80::1%eth0", id="136 scope"),
        pytest.param("/run/docker.sock", id="136 socket"),
        pytest.param("a b", id="137 space"),
        pytest.param("-oProxyCommand=id", id="137 option"),
        pytest.param("root@host", id="138 user"),
        pytest.param("host:22", id="138 port"),
        pytest.param("münchen.de", id="139 IDN"),
        pytest.param("a" * 10_000, id="140 long"),
        pytest.param("a..b", id="empty label"),
        pytest.param("host\n", id="line break"),
    ],
)
def test_what_is_no_address_is_refused(api: APIClient, address: str) -> None:
    assert_error(api.post(f"{V1}/hosts", {**HOST, "address": address}), 400, field="address")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        pytest.param({"port": "22"}, "port", id="141 port as text"),
        pytest.param({"port": 0}, "port", id="65 port 0"),
        pytest.param({"port": 65536}, "port", id="65 port 65536"),
        pytest.param({"seats": 0}, "seats", id="seats 0"),
        pytest.param({"transport": "telnet"}, "transport", id="transport"),
        pytest.param({"user": "a b"}, "user", id="user"),
        pytest.param({"user": "-l"}, "user", id="user like an option"),
        pytest.param({"key": "../secret_key"}, "key", id="142 outside"),
        pytest.param({"key": "missing"}, "key", id="142 missing"),
        pytest.param({"host_keys": ["nonsense"]}, "host_keys", id="no key"),
        pytest.param({"host_keys": ["ssh-dss AAAA"]}, "host_keys", id="143 kind"),
        pytest.param({"host_keys": "x"}, "host_keys", id="no list"),
        pytest.param({"directory": "a/b"}, "directory", id="relative"),
        pytest.param({"directory": "/a/../b"}, "directory", id="upwards"),
        pytest.param({"directory": "/a\nb"}, "directory", id="line break"),
        pytest.param({"variables": {"1x": "a"}}, "variables", id="variable name"),
        pytest.param({"variables": []}, "variables", id="variables as list"),
        pytest.param({"state": "on"}, "state", id="state"),
    ],
)
def test_a_host_that_cannot_be_is_refused(api: APIClient, wrong: dict[str, Any], field: str) -> None:
    assert_error(api.post(f"{V1}/hosts", {**HOST, **wrong}), 400, field=field)


def readable(path: Path) -> None:
    path.chmod(0o644)


def public(path: Path) -> None:
    path.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG== me\n")


def garbage(path: Path) -> None:
    path.write_text("garbage")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("spoil", [readable, public, garbage, directory, fifo])
def test_a_key_file_that_cannot_be_used_is_refused(api: APIClient, key: Path, spoil: Any) -> None:
    """142"""
    spoil(key)

    assert_error(api.post(f"{V1}/hosts", {**HOST, "key": key.name}), 400, field="key")


def test_a_change_leaves_what_the_engine_knows(api: APIClient, site: None) -> None:
    Host.objects.filter(name="localhost").update(state="unreachable", failures=3)

    api.patch(f"{V1}/hosts/localhost", {"seats": 9})

    host = Host.objects.get(name="localhost")
    assert (host.seats, host.state, host.failures) == (9, "unreachable", 3)


def test_a_host_that_has_run_jobs_is_not_removed(api: APIClient, alice: User, site: None) -> None:
    start(make_job(alice))

    told = assert_error(api.delete(f"{V1}/hosts/localhost"), 409, code="in_use")

    assert "Disable" in told["hint"]


def test_the_keys_that_a_host_offers_are_told(api: APIClient, shared_sshd: Sshd) -> None:
    api.post(f"{V1}/hosts", {**HOST, "address": "127.0.0.1", "port": shared_sshd.port})

    told = api.post(f"{V1}/hosts/build1/scan_keys").json()

    assert told["keys"][0]["fingerprint"].startswith("SHA256:")
    assert api.patch(f"{V1}/hosts/build1", {"host_keys": [told["keys"][0]["line"]]}).status_code == 200


def test_a_host_that_does_not_answer_offers_no_keys(api: APIClient) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        api.post(f"{V1}/hosts", {**HOST, "address": "127.0.0.1", "port": silent.getsockname()[1]})

        assert_error(api.post(f"{V1}/hosts/build1/scan_keys"), 409, code="host_unreachable")


def test_a_local_host_has_no_keys_to_offer(api: APIClient, site: None) -> None:
    assert_error(api.post(f"{V1}/hosts/localhost/scan_keys"), 409, code="not_ssh")


def test_a_pool_keeps_its_hosts_in_order(api: APIClient, site: None) -> None:
    for name in ("h1", "h2"):
        api.post(f"{V1}/hosts", {**HOST, "name": name})

    told = api.post(f"{V1}/pools", {"name": "p", "hosts": ["h2", "localhost", "h1"]}).json()

    assert told == {"name": "p", "title": "", "hosts": ["h2", "localhost", "h1"]}
    assert api.patch(f"{V1}/pools/p", {"hosts": ["h1"]}).json()["hosts"] == ["h1"]
    assert api.patch(f"{V1}/pools/p", {"title": "P"}).json()["hosts"] == ["h1"]


@pytest.mark.parametrize(
    ("hosts", "field"),
    [(["nowhere"], "hosts[0]"), (["localhost", "localhost"], "hosts"), ("localhost", "hosts"), ([5], "hosts[0]")],
    ids=["unknown", "twice", "text", "number"],
)
def test_a_pool_that_cannot_be_is_refused(api: APIClient, site: None, hosts: object, field: str) -> None:
    assert_error(api.post(f"{V1}/pools", {"name": "p", "hosts": hosts}), 400, field=field)


def test_a_pool_in_use_is_not_removed(api: APIClient, site: None) -> None:
    api.post(f"{V1}/pools", {"name": "p", "hosts": ["localhost"]})
    api.patch(f"{V1}/queues/nightly", {"pool": "p"})

    assert_error(api.delete(f"{V1}/pools/p"), 409, code="in_use")
