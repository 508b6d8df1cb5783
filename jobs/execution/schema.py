"""How the database's migrations compare with this program's, which differ while an upgrade is under way."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

Names = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """`missing`: what the database lacks; `newer`: what it has and this program does not know."""

    missing: int
    newer: int


def standing() -> Standing:
    wanted, known = _ours()
    applied = MigrationRecorder(connection).migration_qs.filter(app__in={app for app, _name in known})
    names = set(applied.values_list("app", "name"))
    return Standing(missing=len(wanted - names), newer=len(names - known))


def is_newer() -> bool:
    """Whether the database has migrations of ours that this program does not know."""
    return standing().newer > 0


@functools.cache
def _ours() -> tuple[Names, Names]:
    """The migrations that this program wants applied, and all that it knows of: also those that others replace."""
    migrations = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    replaced = {name for migration in migrations.values() for name in migration.replaces}
    return frozenset(migrations) - replaced, frozenset({*migrations, *replaced})
