from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from tests.builders import grant, make_host, make_queue, make_type


@pytest.fixture(autouse=True)
def own_directories(settings: LazySettings, tmp_path: Path) -> None:
    """Each test has its own files and output."""
    settings.BATCHYARD_FILE_ROOTS = [tmp_path / "files"]
    settings.BATCHYARD_OUTPUT_DIR = settings.BATCHYARD_STORE = tmp_path / "output"
    (tmp_path / "files").mkdir()


@pytest.fixture
def alice(db: None) -> User:
    """May do everything."""
    return User.objects.create_superuser("alice")


@pytest.fixture
def bob(db: None) -> User:
    """May look at queues and jobs, and do nothing."""
    return grant(User.objects.create_user("bob"), "ViewJobs", "ViewQueues", "ViewHosts")


@pytest.fixture
def page(alice: User) -> Client:
    """A browser in which alice is signed in."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def looker(bob: User) -> Client:
    """A browser in which bob is signed in."""
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def site(db: None) -> None:
    """A host with seats, the queue `anytime` and the type `command`."""
    make_host()
    make_queue()
    make_type()
