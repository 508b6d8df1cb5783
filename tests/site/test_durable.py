"""What is told to the world outside is on the disk before."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from jobs.models import Job
from tests.builders import make_job


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are synced from now on."""
    files: list[str] = []
    really = os.fsync

    def fsync(descriptor: int) -> None:
        files.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return files


@pytest.mark.django_db(transaction=True)
def test_a_job_is_on_the_disk_before_its_answer(synced: list[str]) -> None:
    make_job()

    if connection.vendor == "sqlite":
        assert synced[-1] == f"{Path(connection.settings_dict['NAME']).resolve()}-wal"
    else:
        assert synced == []


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """This process can open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.open("/", os.O_RDONLY)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.django_db(transaction=True)
def test_who_cannot_bring_a_job_to_the_disk_does_not_take_it_in() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL brings its commits to the disk itself.")
    make_job()

    with no_descriptor_left(), pytest.raises(OSError, match="Too many open files") as problem:
        make_job()

    assert problem.value.errno == errno.EMFILE
    assert Job.objects.count() == 1
