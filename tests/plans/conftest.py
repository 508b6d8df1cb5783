"""One database with very many jobs for each kind of database; tests change nothing in it that stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from scheduler_site.settings import POSTGRESQL, SQLITE
from tests.plans.stock import FULL, SUITE, fill
from tests.servers.postgres import PostgresServer

NAME = "plans"


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def stocked(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Which database it is. All that tests ask of Django goes there meanwhile."""
    before = connections["default"]
    if request.param == "sqlite":
        chosen = SQLITE | {"NAME": tmp_path_factory.mktemp("plans") / "plans.sqlite3"}
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.create(NAME)
        chosen = POSTGRESQL | server.settings() | {"NAME": NAME}
    connections.settings = connections.configure_settings({"default": chosen})
    with django_db_blocker.unblock():
        connections["default"] = connections.create_connection("default")
        fill(FULL if request.config.getoption("--full-counts") else SUITE)
        yield request.param
        connections["default"].close()
        if (close_pool := getattr(connections["default"], "close_pool", None)) is not None:
            close_pool()
    if request.param == "postgresql":
        server.drop(NAME)
    connections["default"] = before
    connections.settings = connections.configure_settings({"default": before.settings_dict})
