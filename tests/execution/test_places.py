"""An engine that is elsewhere does not take the runs of a local host for lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.conf import LazySettings

from hosts.models import Ownership
from jobs.dispatch.tick import pass_once
from jobs.execution import ownership
from jobs.execution.connect import Line, open_line
from jobs.execution.places import Elsewhere, check_place, forget_places
from jobs.models import Attempt, Script
from tests.builders import MONDAY_NOON, make_host, make_job

pytestmark = pytest.mark.django_db


@contextmanager
def line_from(directory: Path, settings: LazySettings) -> Iterator[Line]:
    """The line to this machine that an engine with this data directory has."""
    settings.BATCHYARD_DATA_DIR = directory
    with closing(open_line(make_host(), site=uuid.uuid4())) as line:
        yield line


@pytest.fixture
def grip(tmp_path: Path, settings: LazySettings) -> ownership.Grip:
    """A grip on a local host that has been used from the directory `here`."""
    [grip] = ownership.acquire([make_host().pk], owner="engine")
    with line_from(tmp_path / "here", settings) as line:
        check_place(make_host(), line, grip)
    return grip


def hand_over() -> None:
    make_job()
    [opened] = pass_once(at=MONDAY_NOON).started
    Attempt.objects.filter(pk=opened.pk).update(script=Script.objects.create(digest="d", text="true"))


def test_an_engine_elsewhere_refuses_a_host_that_has_runs(
    grip: ownership.Grip, tmp_path: Path, settings: LazySettings
) -> None:
    hand_over()

    with line_from(tmp_path / "there", settings) as line, pytest.raises(Elsewhere, match="there"):
        check_place(make_host(), line, grip)
    with line_from(tmp_path / "here", settings) as line:
        check_place(make_host(), line, grip)

    assert Attempt.objects.get().finished_at is None


def test_a_host_without_runs_may_change_its_place(grip: ownership.Grip, tmp_path: Path, settings: LazySettings) -> None:
    Ownership.objects.update(journal_offset=4711)

    with line_from(tmp_path / "there", settings) as line:
        check_place(make_host(), line, grip)

    assert Ownership.objects.get().journal_offset == 0


def test_after_a_restore_the_runs_are_looked_for_here(
    grip: ownership.Grip, tmp_path: Path, settings: LazySettings
) -> None:
    hand_over()

    assert forget_places() == 1

    with line_from(tmp_path / "there", settings) as line:
        check_place(make_host(), line, grip)
    assert Ownership.objects.get().place
