"""yard audit: who changed what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from yard import names
from yard.options import Since, Until, check_text, lookback, one_of
from yard.printing import Column
from yard.resource import given
from yard.session import Session, local_now
from yard.times import told
from yard.uploads import download, fetch
from yard.verb import verb

FORMATS: Final = ("jsonl", "csv")
LIMIT: Final = 100
COLUMNS: Final = (
    Column("AT", lambda row: told(row["at"], at=local_now())),
    Column("WHO", lambda row: row["actor"] or "the site"),
    Column("DID", lambda row: row["action"]),
    Column("KIND", lambda row: row["kind"], 1),
    Column("NAME", lambda row: row["name"]),
    Column("BEFORE", lambda row: row["before"], 3),
    Column("AFTER", lambda row: row["after"], 2),
    Column("FROM", lambda row: row["peer"], 4),
    Column("BY", lambda row: row["mode"], 5),
    Column("REQUEST", lambda row: row["request_id"], 6),
)

Actor = Annotated[str | None, typer.Option("--actor", autocompletion=names.users, help="Only by a user.")]
Action = Annotated[str | None, typer.Option("--action", help="Such as add, change, remove, submit.")]
Kind = Annotated[str | None, typer.Option("--kind", help="Such as jobs.queue.")]
Name = Annotated[str | None, typer.Option("--name", help="Of the thing: a queue's name, a job's number.")]
Request = Annotated[str | None, typer.Option("--request", help="Number of a request.")]


def register(audit: typer.Typer) -> None:
    verb(audit, "list", example="yard audit list --since '2 hours'\nyard audit list --kind jobs.queue --name nightly")(
        list_entries
    )
    verb(audit, "export", example="yard audit export > audit.jsonl\n"
         "yard audit export --as csv --since 2026-01-01 --to audit.csv")(export)  # fmt: skip


def list_entries(
    session: Session,
    actor: Actor = None,
    action: Action = None,
    kind: Kind = None,
    name: Name = None,
    request: Request = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=0, help="At most so many; 0: all.")] = LIMIT,
) -> None:
    """List who changed what, the newest first."""
    asked = _asked(actor=actor, action=action, kind=kind, name=name, request=request, since=since, until=until)
    rows = list(session.site.pages("audit", limit=limit or None, **asked))
    session.out.answer({"results": rows}, lambda: session.out.table(COLUMNS, rows, empty="There is no such entry."))


def export(
    session: Session,
    form: Annotated[
        str, typer.Option("--as", autocompletion=names.words(*FORMATS), help="jsonl (JSON lines) or csv.")
    ] = FORMATS[0],
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Standard output without.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-f", help="Replace what is there.")] = False,
    actor: Actor = None,
    action: Action = None,
    kind: Kind = None,
    name: Name = None,
    request: Request = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Fetch who changed what as a file, the oldest first. With --json the answer tells where it went."""
    one_of(form, FORMATS, what="format")
    asked = _asked(actor=actor, action=action, kind=kind, name=name, request=request, since=since, until=until)
    if to is None:
        fetch(session, "audit/export", sys.stdout.buffer, **{"as": form, **asked})
        sys.stdout.buffer.flush()
        return
    size_bytes = download(session, "audit/export", to, is_overwriting=overwrite, **{"as": form, **asked})
    row = {"local": str(to), "size": size_bytes}
    session.out.answer(row, lambda: session.out.line(f"{to} ({size_bytes} bytes)"))


def _asked(*, since: str | None, until: str | None, **words: str | None) -> dict[str, str]:
    """The filters as the API has them."""
    check_text(*words.values())
    return {**given(words), **lookback(since, until, at=local_now(), keys=("since", "until"))}
