"""The SQL by which the database itself counts each attempt into `Statistic` as it ends.

One engine at a time ends the attempts of a host, and the host is a part of a row's key: transactions do not wait
for each other over a row.
"""

from __future__ import annotations

from typing import Final

TABLE: Final = "jobs_statistic"
TRIGGER: Final = "tally_statistic"
# Upper bounds in seconds. What took longer than the last is counted there: no job may run for longer than a year.
BOUNDS: Final = (1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200, 31_622_400)

_KEY: Final = "day, queue, type, host, owner, outcome, waited_bucket, ran_bucket"
_SUMS: Final = "count, waited_us, waited_max_us, ran_us, ran_max_us"
_OUTCOME: Final = (
    "CASE WHEN {f}.outcome <> 'exited' THEN {f}.outcome WHEN {f}.exit_code = 0 THEN 'succeeded' ELSE 'failed' END"
)


def _bucket(seconds: str) -> str:
    cases = " ".join(f"WHEN {seconds} <= {bound} THEN {bound}" for bound in BOUNDS[:-1])
    return f"CASE {cases} ELSE {BOUNDS[-1]} END"


def _added(ended: str, *, greatest: str, integer: str) -> str:
    """The statement that adds what `ended` selects: a row for each attempt, with `waited` and `ran` in seconds."""
    told = f"""
        SELECT day, queue, type, host, owner, outcome, {_bucket("waited")} AS waited_bucket,
               {_bucket("ran")} AS ran_bucket, CAST(waited * 1000000 AS {integer}) AS waited_us,
               CAST(ran * 1000000 AS {integer}) AS ran_us
        FROM ({ended}) AS e"""  # noqa: S608  (constants of this file)
    return f"""INSERT INTO {TABLE} ({_KEY}, {_SUMS})
        SELECT {_KEY}, COUNT(*), SUM(waited_us), MAX(waited_us), SUM(ran_us), MAX(ran_us) FROM ({told}) AS t
        WHERE true GROUP BY {_KEY} ORDER BY {_KEY}
        ON CONFLICT ({_KEY}) DO UPDATE SET
            count = {TABLE}.count + excluded.count,
            waited_us = {TABLE}.waited_us + excluded.waited_us,
            waited_max_us = {greatest}({TABLE}.waited_max_us, excluded.waited_max_us),
            ran_us = {TABLE}.ran_us + excluded.ran_us,
            ran_max_us = {greatest}({TABLE}.ran_max_us, excluded.ran_max_us)"""  # noqa: S608


def _ended(day: str, waited: str, ran: str, attempts: str) -> str:
    return f"""
        SELECT {day} AS day, l.queue_id AS queue, l.type_id AS type, {{f}}.host_id AS host, j.owner_id AS owner,
               {_OUTCOME} AS outcome, {waited} AS waited, {ran} AS ran
        FROM {attempts} WHERE {{f}}.finished_at IS NOT NULL"""  # noqa: S608


# A command that never began has waited until it was claimed, and has run for no time.
_POSTGRESQL: Final = _ended(
    "(f.finished_at AT TIME ZONE 'UTC')::date",
    "GREATEST(0, EXTRACT(EPOCH FROM COALESCE(f.started_at, f.claimed_at) - COALESCE(j.ready_at, f.claimed_at)))",
    "GREATEST(0, COALESCE(EXTRACT(EPOCH FROM f.finished_at - f.started_at), 0))",
    "{attempts} JOIN jobs_job j ON j.id = f.job_id JOIN jobs_lane l ON l.id = f.lane_id",
)
# To the millisecond: a day's fraction is no more exact.
_SQLITE: Final = _ended(
    "date({f}.finished_at)",
    "MAX(0, ROUND(86400.0 * (julianday(COALESCE({f}.started_at, {f}.claimed_at))"
    " - julianday(COALESCE(j.ready_at, {f}.claimed_at))), 3))",
    "MAX(0, COALESCE(ROUND(86400.0 * (julianday({f}.finished_at) - julianday({f}.started_at)), 3), 0))",
    "{attempts}",
)


def _on_postgresql(attempts: str) -> str:
    return _added(_POSTGRESQL.format(f="f", attempts=attempts), greatest="GREATEST", integer="bigint")


def _on_sqlite(attempts: str, *, row: str) -> str:
    return _added(_SQLITE.format(f=row, attempts=attempts), greatest="MAX", integer="INTEGER")


_JUST_ENDED: Final = "(SELECT a.* FROM fresh a JOIN stale b USING (id) WHERE b.finished_at IS NULL) f"
# What the triggers do: on PostgreSQL for the attempts of a statement, on SQLite for one.
POSTGRESQL: Final = _on_postgresql(_JUST_ENDED) + ";"
SQLITE: Final = _on_sqlite("jobs_job j JOIN jobs_lane l ON j.id = NEW.job_id AND l.id = NEW.lane_id", row="NEW") + ";"
# Counts the attempts that have ended already, into an empty table.
ALL: Final = {
    "postgresql": _on_postgresql("jobs_attempt f"),
    "sqlite": _on_sqlite(
        "jobs_attempt f JOIN jobs_job j ON j.id = f.job_id JOIN jobs_lane l ON l.id = f.lane_id", row="f"
    ),
}
