from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import LazySettings

from accounts.models import User
from hosts.models import Host, TransportKind
from jobs.models import Job, Queue
from tests.api.parts import finish, make_job, make_type, start, write
from tests.builders import make_schedule
from tests.compat.batchd.asking import PASSWORD, Asker


@pytest.fixture(autouse=True)
def own_output(settings: LazySettings, tmp_path: Path) -> None:
    """Each test has its own output."""
    settings.BATCHYARD_OUTPUT_DIR = settings.BATCHYARD_STORE = tmp_path / "output"


@pytest.fixture(autouse=True)
def one_connection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results give their connection back before the bytes; here that would end the test's transaction."""
    mark = request.node.get_closest_marker("django_db")
    if mark is None or not mark.kwargs.get("transaction"):
        monkeypatch.setattr("jobs.compat.batchd.results.connection", SimpleNamespace(close=lambda: None))


@pytest.fixture
def root(db: None) -> User:
    """May do everything, and has a password."""
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def furnished(root: User) -> Job:
    """A site with one of everything that clients ask for. The job has run, and written three lines."""
    Host.objects.create(name="localhost", transport=TransportKind.LOCAL, seats=4)
    Queue.objects.create(name="free", title="Free")
    Queue.objects.create(name="nightly", schedule=make_schedule("nights"))
    make_type("render")
    attempt = start(make_job(root, queue="free"))
    write(attempt, ("stdout", b"one\n"), ("stderr", b"two\n"), ("stdout", b"three"))
    finish(attempt, exit_code=3)
    return attempt.job


@pytest.fixture
def ask(furnished: Job) -> Asker:
    """Asks as root, by Basic."""
    return Asker("root")
