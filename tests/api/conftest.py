from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import Token, User
from hosts.models import Host, TransportKind
from jobs.models import Queue
from tests.api.parts import V1, make_type
from tests.servers.sshd import shared_sshd

__all__ = ["shared_sshd"]


@pytest.fixture(autouse=True)
def own_directories(settings: LazySettings, tmp_path: Path) -> None:
    """Each test has its own files, keys and output."""
    settings.BATCHYARD_FILE_ROOTS = [tmp_path / "files"]
    settings.BATCHYARD_KEY_DIR = tmp_path / "keys"
    settings.BATCHYARD_OUTPUT_DIR = str(tmp_path / "output")
    (tmp_path / "files").mkdir()
    (tmp_path / "keys").mkdir(mode=0o700)


@pytest.fixture
def alice(db: None) -> User:
    """May do everything."""
    return User.objects.create_superuser("alice")


@pytest.fixture
def bob(db: None) -> User:
    """Has an account and no rights."""
    return User.objects.create_user("bob")


def client_of(user: User) -> APIClient:
    client = APIClient()
    _row, token = Token.objects.create(user)  # type: ignore[no-untyped-call]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.fixture
def api(alice: User) -> APIClient:
    return client_of(alice)


@pytest.fixture
def poor(bob: User) -> APIClient:
    return client_of(bob)


@pytest.fixture
def site(db: None) -> None:
    """A host, a queue and a type of job that takes a scene and a frame."""
    Host.objects.create(name="localhost", transport=TransportKind.LOCAL, seats=4)
    Queue.objects.create(name="nightly")
    make_type("render")


@pytest.fixture
def job(api: APIClient, site: None) -> dict[str, Any]:
    answer = api.post(f"{V1}/jobs", {"queue": "nightly", "type": "render", "params": {"scene": "a b"}})
    assert answer.status_code == 201, answer.json()
    told: dict[str, Any] = answer.json()
    return told
