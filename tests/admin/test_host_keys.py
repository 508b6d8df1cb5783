"""A private key is given to a host on its page, and never shown there again."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from hosts.credentials import KeyPair, pair_of
from hosts.models import Host
from tests.admin.pages import fields_of, text, url
from tests.builders import make_host
from tests.servers.sshd import make_key

PASSPHRASE = "open sesame 9e0d"


@pytest.fixture
def host(db: None) -> Host:
    return make_host("build1", transport="ssh", address="build1.example.org", user="batch")


@pytest.fixture
def key(tmp_path: Path) -> str:
    return make_key(tmp_path / "key", kind="ed25519", passphrase=PASSPHRASE).read_text()


def save(page: Client, host: Host, **fields: str) -> str:
    """The page that follows."""
    address = url(Host, "change", host.pk)
    return page.post(address, fields_of(page, address) | fields, follow=True).content.decode()


def test_a_key_is_kept_and_not_shown(page: Client, host: Host, key: str) -> None:
    # A browser sends line breaks as the web has them.
    save(page, host, private_key=key.replace("\n", "\r\n"), passphrase=PASSPHRASE)

    shown = page.get(url(Host, "change", host.pk)).content.decode()
    assert pair_of(host) == KeyPair(key, PASSPHRASE)
    assert key.splitlines()[1] not in shown
    assert PASSPHRASE not in shown


def test_a_page_that_is_saved_without_a_key_leaves_it(page: Client, host: Host, key: str) -> None:
    save(page, host, private_key=key, passphrase=PASSPHRASE)

    save(page, host, seats="7")

    assert pair_of(host) == KeyPair(key, PASSPHRASE)
    assert Host.objects.get().seats == 7


def test_a_key_can_be_removed(page: Client, host: Host, key: str) -> None:
    save(page, host, private_key=key, passphrase=PASSPHRASE)

    save(page, host, is_key_removed="on")

    assert pair_of(host) is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"private_key": "KEY", "passphrase": "wrong one"}, "is not the right one", id="wrong passphrase"),
        pytest.param({"private_key": "no key at all"}, "no private key of a kind that is possible", id="no key"),
        pytest.param({"passphrase": "alone"}, "together with the private key", id="passphrase alone"),
        pytest.param({"private_key": "KEY", "passphrase": PASSPHRASE, "seats": "0"}, "greater", id="another mistake"),
    ],
)
def test_a_form_with_a_mistake_comes_back_without_it(
    page: Client, host: Host, key: str, fields: dict[str, str], told: str
) -> None:
    given = {name: key if value == "KEY" else value for name, value in fields.items()}
    address = url(Host, "change", host.pk)

    answer = page.post(address, fields_of(page, address) | given)

    assert told in text(answer)
    assert pair_of(host) is None
    for secret in (given.get("passphrase", PASSPHRASE), *given.get("private_key", key).splitlines()[1:-1]):
        assert f'"{secret}"' not in answer.content.decode()
        assert f">{secret}" not in answer.content.decode()
