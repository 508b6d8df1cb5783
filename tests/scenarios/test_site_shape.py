"""The same site on PostgreSQL and a Redis of its own, as several machines would use it."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import running_site
from tests.scenarios.site import until
from tests.scenarios.test_recovery import begun, check, submit_oracles
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.scenario


def test_on_postgresql_and_redis_a_kill_of_everything_loses_nothing(
    postgres_server: PostgresServer, redis_server: RedisServer
) -> None:
    with running_site(DATABASE_URL=postgres_server.url, CELERY_BROKER_URL=redis_server.url) as site:
        site.call("PATCH", "hosts/localhost", {"seats": 10})
        ids = submit_oracles(site, hosts=["localhost"], each=10)
        until(lambda: len(begun(site.directory)) == 10, seconds=30, what="ten jobs run")

        site.kill()
        (site.directory / "gate").touch()
        site.start()

        check(site, ids)
