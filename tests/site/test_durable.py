"""What is told to the world outside is on the disk before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import connection

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
