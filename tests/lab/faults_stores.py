"""Faults of what the site keeps its rows and rings in."""

from __future__ import annotations

import random
import signal
import sqlite3
from collections.abc import Iterator

import redis

from tests.lab.fault import CATALOGUE, Details
from tests.lab.servers import Postgres, Redis
from tests.lab.site import kill
from tests.lab.yard import Lab

add = CATALOGUE.add
SITE = ("site",)
EMBEDDED = ("embedded",)


def postgres(lab: Lab) -> Postgres:
    assert lab.site.postgres is not None
    return lab.site.postgres


def broker(lab: Lab) -> Redis:
    assert lab.site.redis is not None
    return lab.site.redis


@add("F6", "redis-killed", expected="rings resume within 30 s", shapes=SITE)
def redis_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    broker(lab).kill()
    yield {}
    broker(lab).start()


@add("F6", "broker-killed", expected="the launcher starts it again; engines look by themselves", shapes=EMBEDDED)
def embedded_broker_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    for process in lab.site.processes("broker"):
        kill(process)
    yield {}


@add("F7", "redis-flushed", expected="latency only", seconds=(0.0, 1.0), shapes=SITE)
def redis_flushed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    broker(lab).line.flushall()
    yield {}


@add("F7", "redis-clients-killed", expected="reconnected, latency only", seconds=(0.0, 1.0), shapes=SITE)
def redis_clients_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    for _ in range(20):
        broker(lab).line.client_kill_filter(_type="normal", skipme=True)
    yield {}


@add("F7", "redis-frozen", expected="the API accepts; health is degraded", seconds=(3.0, 12.0), shapes=SITE)
def redis_frozen(lab: Lab, chance: random.Random) -> Iterator[Details]:
    broker(lab).signal(signal.SIGSTOP)
    yield {}
    broker(lab).signal(signal.SIGCONT)


@add("F7", "redis-out-of-memory", expected="the API accepts; engines look by themselves", shapes=SITE)
def redis_out_of_memory(lab: Lab, chance: random.Random) -> Iterator[Details]:
    line = broker(lab).line
    line.config_set("maxmemory-policy", "noeviction")
    line.config_set("maxmemory", "1")
    yield {}
    try:
        line.config_set("maxmemory", "0")
    except redis.RedisError:
        broker(lab).line.config_set("maxmemory", "0")


@add("F8", "postgres-killed", expected="503 with Retry-After; runs go on; results arrive after", shapes=SITE)
def postgres_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    postgres(lab).kill()
    yield {}
    postgres(lab).start()


@add("F8", "postgres-backend-killed", expected="as a restart of the server", seconds=(0.0, 2.0), shapes=SITE)
def postgres_backend_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    postgres(lab).kill_backend()
    yield {}


@add("F8", "postgres-terminated", expected="reconnected; 503 at worst", seconds=(0.0, 2.0), shapes=SITE)
def postgres_terminated(lab: Lab, chance: random.Random) -> Iterator[Details]:
    for _ in range(3):
        postgres(lab).end_connections()
    yield {}


@add("F8", "postgres-read-only", expected="503 with Retry-After for writes", shapes=SITE)
def postgres_read_only(lab: Lab, chance: random.Random) -> Iterator[Details]:
    postgres(lab).make_read_only(True)
    yield {}
    postgres(lab).make_read_only(False)


@add("F8", "postgres-frozen", expected="edges answer 503 or late; nothing is doubled", seconds=(2.0, 8.0), shapes=SITE)
def postgres_frozen(lab: Lab, chance: random.Random) -> Iterator[Details]:
    postgres(lab).signal(signal.SIGSTOP)
    yield {}
    postgres(lab).signal(signal.SIGCONT)


@add(
    "F9",
    "sqlite-held",
    expected="5 s: not noticed; longer than 20 s: 503 for writes",
    seconds=(3.0, 6.0),
    shapes=EMBEDDED,
)
def sqlite_held(lab: Lab, chance: random.Random) -> Iterator[Details]:
    line = sqlite3.connect(lab.site.data / "batchyard.sqlite3", timeout=20, isolation_level=None)
    line.execute("BEGIN EXCLUSIVE")
    yield {}
    line.execute("ROLLBACK")
    line.close()
