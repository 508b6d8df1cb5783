"""Names of the site for the completion of a shell. Never an error, never a long wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import httpx
import typer

from yard.failures import Failure
from yard.session import Session
from yard.site import Site

LIMIT: Final = 200
SECONDS: Final = 2.0

Names = Callable[[typer.Context, list[str], str], list[tuple[str, str]]]


def names_of(path: str, *, name: str = "name", text: str = "title", **params: str) -> Names:
    """What completes a word by the rows at `path`."""

    def found(ctx: typer.Context, args: list[str], incomplete: str) -> list[tuple[str, str]]:
        rows = _rows(ctx, lambda site: site.pages(path, limit=LIMIT, **params))
        told = [(str(row[name]), str(row.get(text) or "")) for row in rows]
        return [one for one in told if one[0].startswith(incomplete)]

    return found


def _rows(ctx: typer.Context, ask: Callable[[Site], Iterable[dict[str, Any]]]) -> list[dict[str, Any]]:
    session = Session(options=_options(ctx))
    try:
        session.site.http.timeout = httpx.Timeout(SECONDS)
        return list(ask(session.site))
    except Failure:
        return []
    finally:
        session.close()


def _options(ctx: typer.Context) -> dict[str, str | None]:
    """The options of the line so far that say which site it is."""
    own, before = ctx.params, ctx.find_root().params
    return {key: own.get(key) or before.get(key) for key in ("url", "username", "config")}


queues: Final = names_of("queues")
types: Final = names_of("job-types")
schedules: Final = names_of("schedules")
hosts: Final = names_of("hosts", text="state")
pools: Final = names_of("pools")
users: Final = names_of("users", text="email")
groups: Final = names_of("groups")
jobs: Final = names_of("jobs", name="id", text="notes")
open_jobs: Final = names_of("jobs", name="id", text="notes", state="blocked,ready,running")
subscriptions: Final = names_of("subscriptions", name="id", text="name")


def figures(ctx: typer.Context, args: list[str], incomplete: str) -> list[tuple[str, str]]:
    """Names of what the site measures. It tells them all at once."""
    rows = _rows(ctx, lambda site: site.get("metrics", prefix=incomplete)["results"])
    return [(str(row["name"]), "") for row in rows]


def words(*possible: str) -> Names:
    """What completes a word by a few fixed ones."""

    def found(ctx: typer.Context, args: list[str], incomplete: str) -> list[tuple[str, str]]:
        return [(word, "") for word in possible if word.startswith(incomplete)]

    return found
