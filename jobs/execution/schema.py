"""How the database's migrations compare with this program's, which differ while an upgrade is under way."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

OURS: Final = ("accounts", "hosts", "jobs")


@dataclass(frozen=True, slots=True)
class Standing:
    """Migrations of ours. `missing`: the database lacks them; `newer`: they come after the last that we know."""

    missing: int
    newer: int


def standing() -> Standing:
    applied = set(MigrationRecorder(connection).migration_qs.filter(app__in=OURS).values_list("app", "name"))
    known = _known()
    last = {app: max(name for app_, name in known if app_ == app) for app in OURS}
    return Standing(missing=len(known - applied), newer=sum(name > last[app] for app, name in applied))


def is_newer() -> bool:
    """Whether the database is ahead of this program."""
    return standing().newer > 0


@functools.cache
def _known() -> frozenset[tuple[str, str]]:
    # By the files' names: to load migrations would import every one of every application.
    places = {label: Path(apps.get_app_config(label).path) / "migrations" for label in OURS}
    return frozenset((label, path.stem) for label, place in places.items() for path in place.glob("[0-9]*.py"))
