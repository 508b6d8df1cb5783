"""yard figures: what the site has measured of itself, now and over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from yard import names
from yard.failures import Usage
from yard.options import Since, Until, check_text, lookback
from yard.printing import Column
from yard.session import Session, local_now
from yard.times import span, told
from yard.verb import verb

NOW_COLUMNS: Final = (
    Column("FIGURE", lambda row: row["name"]),
    Column("VALUE", lambda row: _number(row["value"])),
    Column("SINCE", lambda row: told(row["changed_at"], at=local_now()), 1),
)
POINT_COLUMNS: Final = (
    Column("FIGURE", lambda row: row["name"]),
    Column("FROM", lambda row: told(row["at"], at=local_now())),
    Column("VALUE", lambda row: _number(row["value"])),
)


def register(app: typer.Typer) -> None:
    verb(
        app,
        "figures",
        example="yard figures\nyard figures jobs.running --last '2 hours'\n"
        "yard figures --prefix queue.nightly. --last 1d",
    )(figures)


def figures(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="[FIGURE]", autocompletion=names.figures, help="Its whole name.")
    ] = None,
    prefix: Annotated[
        str | None, typer.Option("--prefix", autocompletion=names.figures, help="How names begin.")
    ] = None,
    last: Annotated[str | None, typer.Option("--last", metavar="TIME", help='How they were: "2 hours", 7d.')] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Show figures of the site: as they are, or as they were over a time. A value holds until the next."""
    check_text(name, prefix)
    if last is not None and (since is not None or until is not None):
        raise Usage("A time is --last, or --since and --until.")
    period: dict[str, Any] = lookback(since, until, at=local_now(), keys=("from", "to"))
    period |= {"last": int(span(last).total_seconds())} if last is not None else {}
    asked = {key: value for key, value in {"name": name, "prefix": prefix}.items() if value is not None}
    found = session.site.get("metrics", **asked, **period)
    columns, rows = (POINT_COLUMNS, list(_points(found["results"]))) if period else (NOW_COLUMNS, found["results"])
    session.out.answer(found, lambda: session.out.table(columns, rows, empty="There is no such figure."))


def _points(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from ({"name": row["name"], **point} for row in rows for point in row["points"])


def _number(value: float) -> str:
    """As many digits as it needs."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.3f}"
