"""yard stats: how many jobs there are, and what those that have ended came to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Annotated, Any, Final

import typer

from yard import names
from yard.failures import Usage
from yard.options import OnlyType
from yard.printing import Column
from yard.resource import given
from yard.session import Session, local_now
from yard.site import part
from yard.times import past_day
from yard.verb import verb
from yard.verbs.jobs import STATES

DIMENSIONS: Final = ("day", "queue", "type", "host", "owner")


def register(app: typer.Typer) -> None:
    verb(
        app,
        "stats",
        example="yard stats\nyard stats nightly --days 7\nyard stats --since 2026-01-01 --owner ann --by type,host",
    )(stats)


def stats(
    session: Session,
    queues: Annotated[list[str] | None, typer.Argument(metavar="QUEUE", autocompletion=names.queues)] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=3660, help="What ended in so many days.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DAY", help="From that day (UTC) on.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="To that day, included.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", autocompletion=names.words(*DIMENSIONS), help="day, queue, type, host, owner; with commas."
        ),
    ] = None,
    kind: OnlyType = None,
    host: Annotated[
        str | None, typer.Option("--host", "-h", autocompletion=names.hosts, help="Only of what ran there.")
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", autocompletion=names.users, help="Only of a user.")] = None,
) -> None:
    """Count the jobs of queues by state; with an option, what attempts that have ended came to."""
    period = _period(days, since, until)
    asked = given({**period, "by": by, "type": kind, "host": host, "owner": owner})
    if not asked:
        _now(session, queues or [])
        return
    if len(queues or []) > 1:
        raise Usage("Of which queue?", hint="With options: one queue, or none for all.")
    found = _ended(session, queues[0] if queues else None, asked)
    session.out.answer(
        found,
        lambda: session.out.table(_columns(found["by"]), found["results"], empty="Nothing has ended in this time."),
    )


def _period(days: int | None, since: str | None, until: str | None) -> dict[str, str]:
    """First and last day, those that are said. Raises Usage."""
    if days is not None:
        if since is not None or until is not None:
            raise Usage("A time is --days, or --since and --until.")
        today = local_now().astimezone(UTC).date()
        return {"since": (today - timedelta(days=days - 1)).isoformat(), "until": today.isoformat()}
    given_days = {"since": since, "until": until}
    return {name: _day(text) for name, text in given_days.items() if text is not None}


def _day(text: str) -> str:
    return past_day(text, at=local_now().astimezone(UTC)).isoformat()


def _ended(session: Session, queue: str | None, asked: dict[str, Any]) -> dict[str, Any]:
    """Of one queue by day, of all by queue, unless something else is asked for."""
    if queue is None or asked.keys() & {"type", "host", "owner"}:
        by = {"by": "day"} if queue is not None and "by" not in asked else {}
        return dict(session.site.get("stats", **asked, **by, **({"queue": queue} if queue is not None else {})))
    return dict(session.site.get(f"queues/{part(queue)}/stats", **asked))


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
