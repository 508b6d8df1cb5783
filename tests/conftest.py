"""What every test stands on: the database of the chosen kind, and real servers on demand."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Any, Final

import pytest
from _pytest.nodeid import coerce_node_id
from django.db import connection, connections

from scheduler_site.settings import POSTGRESQL
from tests.servers.postgres import PostgresServer, postgres_server
from tests.servers.redis import redis_server

AUDIT = import_module("accounts.migrations.0005_audit")
# What takes long to start is started once: all tests that use it run one after the other, on one worker.
TOGETHER: Final = {
    "browser": "browser",
    "lively": "browser",
    "provider": "elsewhere",
    "proxy": "proxy",
    "shared_site": "site",
    "yard_site": "yard",
}

__all__ = ["postgres_server", "redis_server"]


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "the database of the tests: a SQLite file, or a PostgreSQL server of their own"
    parser.addoption("--database", choices=["sqlite", "postgres"], default="sqlite", help=help_text)
    help_text = "look at query plans with 100,000 ready and 1,000,000 finished jobs, not with a fifth of them"
    parser.addoption("--full-counts", action="store_true", help=help_text)


def pytest_sessionstart() -> None:
    """Looks for garbage seldom: most of what a test makes goes by itself."""
    gc.set_threshold(50_000, 10, 10)


def pytest_collection_finish() -> None:
    """What has been imported and collected stays to the end: no search for garbage goes through it again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tells workers which tests go together: by their mark, or by what they use.

    pytest-xdist 3.8 writes the groups of tests where pytest 9.2 no longer reads them, and all of them are spread.
    """
    if not config.getoption("loadgroup", default=False):
        return
    for item in items:
        if (group := _group(item)) is not None:
            item._id = coerce_node_id(f"{item.nodeid}@{group}")
            assert item.nodeid.endswith(f"@{group}")


def _group(item: pytest.Item) -> str | None:
    if (mark := item.get_closest_marker("xdist_group")) is not None:
        return str(mark.args[0])
    return next((TOGETHER[name] for name in getattr(item, "fixturenames", ()) if name in TOGETHER), None)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Tests run on PostgreSQL if asked to. Overrides pytest-django's fixture of this name."""
    if request.config.getoption("--database") == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        _use(POSTGRESQL | server.settings())


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Without the guards of the audit, as tests that commit are tidied up after by deleting all rows."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for statement in AUDIT.NO_GUARDS[connection.vendor]:
            cursor.execute(statement)


def _use(database: dict[str, Any]) -> None:
    connections["default"].close()
    connections.settings = connections.configure_settings({"default": database})
    connections["default"] = connections.create_connection("default")
