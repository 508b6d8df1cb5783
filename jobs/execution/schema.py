"""Whether the database is ahead of this program, as it is while an upgrade is under way."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

OURS: Final = ("accounts", "hosts", "jobs")


def is_newer() -> bool:
    """Whether the database has migrations of ours that come after the last that this program knows."""
    applied = MigrationRecorder(connection).migration_qs.filter(app__in=OURS).values_list("app")
    last_known = _last_known()
    return any(last > last_known[app] for app, last in applied.annotate(last=Max("name")))


@functools.cache
def _last_known() -> dict[str, str]:
    # By the files' names: to load migrations would import every one of every application.
    places = {label: Path(apps.get_app_config(label).path) / "migrations" for label in OURS}
    return {label: max(path.stem for path in place.glob("[0-9]*.py")) for label, place in places.items()}
