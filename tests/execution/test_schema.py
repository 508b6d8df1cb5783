"""An engine notices that the database has been brought to a version that it does not know."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from jobs.execution.schema import is_newer

pytestmark = pytest.mark.django_db


def test_the_schema_of_this_program_is_not_newer() -> None:
    assert not is_newer()


@pytest.mark.parametrize("app", ["accounts", "hosts", "jobs"])
def test_a_migration_of_a_later_version_is(app: str) -> None:
    MigrationRecorder(connection).record_applied(app, "9999_later")

    assert is_newer()


def test_an_earlier_one_that_was_merged_into_another_is_not() -> None:
    MigrationRecorder(connection).record_applied("jobs", "0000_merged_since")

    assert not is_newer()
