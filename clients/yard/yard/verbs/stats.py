"""yard stats: how many jobs there are, and what those that have ended came to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Annotated, Any, Final

import typer

from yard import names
from yard.failures import Usage
from yard.printing import Column
from yard.session import Session, local_now
from yard.site import part
from yard.verb import verb
from yard.verbs.jobs import STATES

DIMENSIONS: Final = ("day", "queue", "type", "host", "owner")


def register(app: typer.Typer) -> None:
    verb(app, "stats", example="yard stats\nyard stats nightly\nyard stats --days 7 --by type,host")(stats)


def stats(
    session: Session,
    queues: Annotated[list[str] | None, typer.Argument(metavar="QUEUE", autocompletion=names.queues)] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=3660, help="What ended in so many days.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", autocompletion=names.words(*DIMENSIONS), help="day, queue, type, host, owner; with commas."
        ),
    ] = None,
) -> None:
    """Count the jobs of queues by state; with --days or --by, what attempts that have ended came to."""
    if days is None and by is None:
        _now(session, queues or [])
        return
    if len(queues or []) > 1:
        raise Usage("Of which queue?", hint="With --days or --by: one queue, or none for all.")
    until = local_now().astimezone(UTC).date()
    period = {"until": until.isoformat(), "since": (until - timedelta(days=(days or 30) - 1)).isoformat()}
    asked = {**period, **({"by": by} if by else {})}
    found = session.site.get(f"queues/{part(queues[0])}/stats" if queues else "stats", **asked)
    session.out.answer(
        found,
        lambda: session.out.table(_columns(found["by"]), found["results"], empty="Nothing has ended in this time."),
    )


def _now(session: Session, queues: list[str]) -> None:
    wanted = queues or [str(row["name"]) for row in session.site.pages("queues")]
    counts = {name: session.site.get(f"queues/{part(name)}")["counts"] for name in wanted}
    columns = [Column("QUEUE", lambda row: row["queue"])]
    columns += [Column(state.upper(), _count_of(state), place) for place, state in enumerate(STATES, start=1)]
    rows = [{"queue": name, "counts": found} for name, found in counts.items()]
    session.out.answer(counts, lambda: session.out.table(columns, rows, empty="There is no queue."))


def _count_of(state: str) -> Callable[[Any], Any]:
    return lambda row: row["counts"].get(state, 0)


def _columns(by: list[str]) -> list[Column]:
    return [
        *(Column(word.upper(), _field(word)) for word in by),
        Column("ENDED", lambda row: row["count"]),
        Column("SUCCEEDED", lambda row: row["outcomes"].get("succeeded", 0), 1),
        Column("WAITED P50", _seconds("wait_seconds", "p50"), 4),
        Column("WAITED P90", _seconds("wait_seconds", "p90"), 5),
        Column("RAN P50", _seconds("run_seconds", "p50"), 2),
        Column("RAN P90", _seconds("run_seconds", "p90"), 3),
        Column("RAN IN ALL", _seconds("run_seconds", "sum"), 6),
    ]


def _field(name: str) -> Callable[[Any], Any]:
    return lambda row: row[name]


def _seconds(times: str, figure: str) -> Callable[[Any], Any]:
    """Hours, minutes and seconds."""
    return lambda row: str(timedelta(seconds=round(row[times][figure])))
