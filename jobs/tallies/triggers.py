"""The triggers that keep `Tally`, for PostgreSQL and SQLite.

Database triggers rather than care in each place that writes: batches are written by bare SQL, rows are removed by
cascades, and what counts must not be able to disagree with what is. On PostgreSQL one trigger sees a whole
statement (about 0.1 ms, however many rows); on SQLite there is one writer, and one row for each total.

SQLite loses the triggers of a table that a migration makes anew, so each `migrate` puts back what is missing and
counts afresh. Counting afresh knows the jobs that are there; what has started or ended before goes on from the
totals that were kept.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.tallies import daily

TABLE: Final = "jobs_tally"
PREFIX: Final = "tally_"
# Upper bounds in seconds, as Prometheus writes them: from a doorbell's milliseconds to a night's wait for a window.
BUCKETS: Final = (
    "0.01",
    "0.05",
    "0.1",
    "0.25",
    "0.5",
    "1",
    "2.5",
    "5",
    "10",
    "30",
    "60",
    "300",
    "1800",
    "7200",
    "28800",
)
ABOVE: Final = "+Inf"
JOBS_NOW: Final = f"INSERT INTO {TABLE} (kind, queue, label, count) SELECT 'jobs', queue_id, state, COUNT(*) FROM jobs_job GROUP BY 2, 3"  # noqa: E501


def _bucket(seconds: str) -> str:
    """The label of the bucket that a wait belongs to, as SQL."""
    cases = " ".join(f"WHEN {seconds} <= {bound} THEN '{bound}'" for bound in BUCKETS)
    return f"CASE {cases} ELSE '{ABOVE}' END"


# --- PostgreSQL: one trigger for a statement, over all of its rows ---

_ADD: Final = f"INSERT INTO {TABLE} (kind, queue, label, count)"
_STARTED: Final = """
    SELECT j.queue_id AS queue, GREATEST(0, EXTRACT(EPOCH FROM f.started_at - j.ready_at)) AS seconds
    FROM fresh f JOIN stale s USING (id) JOIN jobs_job j ON j.id = f.job_id
    WHERE s.started_at IS NULL AND f.started_at IS NOT NULL
"""
_ENDED: Final = """
    SELECT l.queue_id AS queue, f.outcome AS outcome,
           GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - f.finished_at)) AS seconds
    FROM fresh f JOIN stale s USING (id) JOIN jobs_lane l ON l.id = f.lane_id
    WHERE s.finished_at IS NULL AND f.finished_at IS NOT NULL
"""
_RUN: Final = """
    SELECT l.queue_id AS queue, GREATEST(0, EXTRACT(EPOCH FROM f.finished_at - f.started_at)) AS seconds
    FROM fresh f JOIN stale s USING (id) JOIN jobs_lane l ON l.id = f.lane_id
    WHERE s.finished_at IS NULL AND f.finished_at IS NOT NULL AND f.started_at IS NOT NULL
"""
_BOTH: Final = "REFERENCING OLD TABLE AS stale NEW TABLE AS fresh"
_FRESH: Final = "REFERENCING NEW TABLE AS fresh"
_STALE: Final = "REFERENCING OLD TABLE AS stale"

# name -> (event and table, transition tables, what is appended)
POSTGRESQL: Final[dict[str, tuple[str, str, str]]] = {
    f"{PREFIX}job_insert": (
        "INSERT ON jobs_job",
        _FRESH,
        f"{_ADD} SELECT 'jobs', queue_id, state, COUNT(*) FROM fresh GROUP BY 2, 3;",
    ),
    f"{PREFIX}job_update": (
        "UPDATE ON jobs_job",
        _BOTH,
        f"""{_ADD} SELECT 'jobs', queue_id, state, SUM(n) FROM (
            SELECT queue_id, state, 1 AS n FROM fresh UNION ALL SELECT queue_id, state, -1 FROM stale) AS d
            GROUP BY 2, 3 HAVING SUM(n) <> 0;""",
    ),
    f"{PREFIX}job_delete": (
        "DELETE ON jobs_job",
        _STALE,
        f"{_ADD} SELECT 'jobs', queue_id, state, -COUNT(*) FROM stale GROUP BY 2, 3;",
    ),
    f"{PREFIX}attempt_update": (
        "UPDATE ON jobs_attempt",
        _BOTH,
        f"""{_ADD} WITH d AS ({_STARTED}), b AS (SELECT queue, {_bucket("seconds")} AS bucket, seconds FROM d)
            SELECT 'starts', queue, '', COUNT(*) FROM d GROUP BY 2
            UNION ALL SELECT 'waited', queue, bucket, COUNT(*) FROM b WHERE seconds IS NOT NULL GROUP BY 2, 3
            UNION ALL SELECT 'waited_us', queue, '', SUM(seconds * 1000000)::bigint FROM b
                      WHERE seconds IS NOT NULL GROUP BY 2;
            {_ADD} WITH d AS ({_ENDED}), b AS (SELECT {_bucket("seconds")} AS bucket, seconds FROM d)
            SELECT 'ends', queue, outcome, COUNT(*) FROM d GROUP BY 2, 3
            UNION ALL SELECT 'noticed', 0, bucket, COUNT(*) FROM b GROUP BY 3
            UNION ALL SELECT 'noticed_us', 0, '', SUM(seconds * 1000000)::bigint FROM b HAVING COUNT(*) > 0;""",
    ),
    f"{PREFIX}attempt_run": (
        "UPDATE ON jobs_attempt",
        _BOTH,
        f"""{_ADD} WITH d AS ({_RUN}), b AS (SELECT queue, {_bucket("seconds")} AS bucket, seconds FROM d)
            SELECT 'run', queue, bucket, COUNT(*) FROM b GROUP BY 2, 3
            UNION ALL SELECT 'run_us', queue, '', SUM(seconds * 1000000)::bigint FROM b GROUP BY 2;""",
    ),
    daily.TRIGGER: ("UPDATE ON jobs_attempt", _BOTH, daily.POSTGRESQL),
    f"{PREFIX}output_insert": (
        "INSERT ON jobs_output",
        _FRESH,
        f"{_ADD} SELECT 'bytes', 0, '', SUM(size_bytes) FROM fresh HAVING SUM(size_bytes) > 0;",
    ),
    f"{PREFIX}output_update": (
        "UPDATE ON jobs_output",
        _BOTH,
        f"""{_ADD} SELECT 'bytes', 0, '', SUM(f.size_bytes - s.size_bytes) FROM fresh f JOIN stale s USING (id)
            WHERE f.size_bytes > s.size_bytes HAVING COUNT(*) > 0;""",
    ),
}


def _postgresql(name: str) -> list[str]:
    """The statements that make one trigger anew."""
    event, tables, body = POSTGRESQL[name]
    table = event.rpartition(" ")[2]
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$",
        f"DROP TRIGGER IF EXISTS {name} ON {table}",
        f"CREATE TRIGGER {name} AFTER {event} {tables} FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
    ]


# --- SQLite: one trigger for a row, one row for a total ---


def _take(kind: str, queue: str, label: str, count: str = "1") -> str:
    """Lower a total. One that is not there stays away: its jobs were emptied with it."""
    return f"UPDATE {TABLE} SET count = count - {count} WHERE kind = '{kind}' AND queue = {queue} AND label = {label};"


def _add(kind: str, queue: str, label: str, count: str = "1") -> str:
    """Raise a total, from nothing if need be."""
    same = f"kind = '{kind}' AND queue = {queue} AND label = {label}"
    return (
        f"INSERT INTO {TABLE} (kind, queue, label, count) SELECT '{kind}', {queue}, {label}, 0 "
        f"WHERE NOT EXISTS (SELECT 1 FROM {TABLE} WHERE {same}); "
        f"UPDATE {TABLE} SET count = count + {count} WHERE {same};"
    )


_QUEUE: Final = "(SELECT queue_id FROM jobs_job WHERE id = NEW.job_id)"
_WAITED: Final = (
    "(SELECT MAX(0, julianday(NEW.started_at) - julianday(ready_at)) * 86400.0 FROM jobs_job WHERE id = NEW.job_id)"
)
_RAN: Final = "(SELECT MAX(0, julianday(NEW.finished_at) - julianday(NEW.started_at)) * 86400.0)"
_NOTICED: Final = "(SELECT MAX(0, julianday('now') - julianday(NEW.finished_at)) * 86400.0)"


def _microseconds(seconds: str) -> str:
    return f"CAST({seconds} * 1000000 AS INTEGER)"


SQLITE: Final[dict[str, tuple[str, str]]] = {
    f"{PREFIX}job_insert": ("INSERT ON jobs_job", _add("jobs", "NEW.queue_id", "NEW.state")),
    f"{PREFIX}job_update": (
        "UPDATE OF state, queue_id ON jobs_job WHEN OLD.state <> NEW.state OR OLD.queue_id <> NEW.queue_id",
        _take("jobs", "OLD.queue_id", "OLD.state") + _add("jobs", "NEW.queue_id", "NEW.state"),
    ),
    f"{PREFIX}job_delete": ("DELETE ON jobs_job", _take("jobs", "OLD.queue_id", "OLD.state")),
    f"{PREFIX}attempt_start": (
        "UPDATE OF started_at ON jobs_attempt WHEN OLD.started_at IS NULL AND NEW.started_at IS NOT NULL",
        _add("starts", _QUEUE, "''"),
    ),
    f"{PREFIX}attempt_wait": (
        "UPDATE OF started_at ON jobs_attempt WHEN OLD.started_at IS NULL AND NEW.started_at IS NOT NULL "
        "AND (SELECT ready_at FROM jobs_job WHERE id = NEW.job_id) IS NOT NULL",
        _add("waited", _QUEUE, f"(SELECT {_bucket('w')} FROM (SELECT {_WAITED} AS w))")
        + _add("waited_us", _QUEUE, "''", _microseconds(_WAITED)),
    ),
    f"{PREFIX}attempt_end": (
        "UPDATE OF finished_at ON jobs_attempt WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL",
        _add("ends", _QUEUE, "NEW.outcome")
        + _add("noticed", "0", f"(SELECT {_bucket('w')} FROM (SELECT {_NOTICED} AS w))")
        + _add("noticed_us", "0", "''", _microseconds(_NOTICED)),
    ),
    f"{PREFIX}attempt_run": (
        "UPDATE OF finished_at ON jobs_attempt WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL "
        "AND NEW.started_at IS NOT NULL",
        _add("run", _QUEUE, f"(SELECT {_bucket('w')} FROM (SELECT {_RAN} AS w))")
        + _add("run_us", _QUEUE, "''", _microseconds(_RAN)),
    ),
    daily.TRIGGER: (
        "UPDATE OF finished_at ON jobs_attempt WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL",
        daily.SQLITE,
    ),
    f"{PREFIX}output_insert": (
        "INSERT ON jobs_output WHEN NEW.size_bytes > 0",
        _add("bytes", "0", "''", "NEW.size_bytes"),
    ),
    f"{PREFIX}output_update": (
        "UPDATE OF size_bytes ON jobs_output WHEN NEW.size_bytes > OLD.size_bytes",
        _add("bytes", "0", "''", "(NEW.size_bytes - OLD.size_bytes)"),
    ),
}


def _sqlite(name: str) -> list[str]:
    event, body = SQLITE[name]
    return [f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} AFTER {event} BEGIN {body} END"]


# --- both ---


def _made(vendor: str) -> dict[str, list[str]]:
    """For each trigger the statements that make it anew."""
    if vendor == "postgresql":
        return {name: _postgresql(name) for name in POSTGRESQL}
    return {name: _sqlite(name) for name in SQLITE}


FOUND: Final = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'tally\\_%'",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'tally\\_%' ESCAPE '\\'",
}


def ensure(using: str = "default", **_told: Any) -> None:
    """Make the triggers that are missing, and count the jobs afresh if there were any. Called after each `migrate`.

    Attempts that ended before there were statistics are counted once.
    """
    connection = connections[using]
    made = _made(connection.vendor)
    if not _has_tables(connection) or set(made) <= _found(connection):
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        # Making a trigger locks its table against writers, so nothing is missed in between.
        for statement in itertools.chain.from_iterable(made.values()):
            cursor.execute(statement)
        cursor.execute(f"DELETE FROM {TABLE} WHERE kind = 'jobs'")
        cursor.execute(JOBS_NOW)
        cursor.execute(f"SELECT 1 FROM {daily.TABLE} LIMIT 1")
        if cursor.fetchone() is None:
            cursor.execute(daily.ALL[connection.vendor])


def remove(using: str = "default") -> None:
    """Take the triggers away: without the table of totals they would fail every write."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name in _found(connection):
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP FUNCTION {name}() CASCADE")
            else:
                cursor.execute(f"DROP TRIGGER {name}")


def _has_tables(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        return {TABLE, daily.TABLE} <= set(connection.introspection.table_names(cursor))


def _found(connection: BaseDatabaseWrapper) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(FOUND[connection.vendor])
        return {row[0] for row in cursor.fetchall()}
