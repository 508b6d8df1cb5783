"""Whether the database is ahead of this program, as it is while an upgrade is under way."""

from __future__ import annotations

import functools

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def is_newer() -> bool:
    """Whether the database has migrations of ours that this program does not know."""
    known = _known()
    applied = MigrationRecorder(connection).migration_qs.filter(app__in={app for app, _name in known})
    return bool(set(applied.values_list("app", "name")) - known)


@functools.cache
def _known() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    replaced = {name for migration in loader.disk_migrations.values() for name in migration.replaces}
    return frozenset({*loader.disk_migrations, *replaced})
