"""yard subscription: what you want to be told of."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from yard import names
from yard.failures import Usage
from yard.options import ID_LIMIT, OnlyQueue, OnlyType, check_text, one_of
from yard.passwords import ask_secret
from yard.printing import Column
from yard.resource import given
from yard.session import Session, local_now
from yard.times import span, told
from yard.verb import verb

EVENTS: Final = ("succeeded", "failed", "late", "host_down", "host_up", "queue_started")
COLUMNS: Final = (
    Column("SUBSCRIPTION", lambda row: row["id"]),
    Column("NAME", lambda row: row["name"]),
    Column("ON", lambda row: row["enabled"], 2),
    Column("EVENTS", lambda row: row["events"], 1),
    Column("TO", lambda row: row["to"], 3),
    Column("QUEUE", lambda row: row["queue"], 4),
    Column("TYPE", lambda row: row["type"], 5),
    Column("HOST", lambda row: row["host"], 6),
    Column("OWN JOBS ONLY", lambda row: row["only_own"], 7),
)
NOTICE_COLUMNS: Final = (
    Column("AT", lambda row: told(row["at"], at=local_now())),
    Column("NOTICE", lambda row: row["delivery"]),
    Column("EVENT", lambda row: row["event"], 2),
    Column("TEXT", lambda row: row["text"], 1),
    Column("TRIES", lambda row: row["tries"], 4),
    Column("NEXT", lambda row: told(row["next_at"], at=local_now()), 5),
    Column("WHY", lambda row: row["error"], 3),
)

Number = Annotated[
    int, typer.Argument(min=1, max=ID_LIMIT - 1, metavar="SUBSCRIPTION", autocompletion=names.subscriptions)
]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", "-e", autocompletion=names.words(*EVENTS), help="What about; may be repeated."),
]
LateAfter = Annotated[
    str | None, typer.Option("--late-after", metavar="TIME", help='For "late": after so long, such as "1 hour".')
]
OnlyHost = Annotated[str | None, typer.Option("--host", "-h", autocompletion=names.hosts, help="Only of a host.")]
OnlyOwn = Annotated[
    bool | None, typer.Option("--own-jobs/--all-jobs", help="Only of your jobs (so without), or of all you may see.")
]
Enabled = Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it is told.")]


def register(subscription: typer.Typer) -> None:
    verb(subscription, "list", example="yard subscription list")(list_subscriptions)
    verb(subscription, "view", example="yard subscription view 3")(view)
    verb(subscription, "add", example="yard subscription add nights -e failed --queue nightly < address.txt\n"
         "yard subscription add slow -e late --late-after '1 hour' --all-jobs < address.txt")(add)  # fmt: skip
    verb(subscription, "update", example="yard subscription update 3 --disable\n"
         "yard subscription update 3 --address < address.txt")(update)  # fmt: skip
    verb(subscription, "delete", example="yard subscription delete 3")(delete)
    verb(subscription, "notices", example="yard subscription notices 3")(notices)
    verb(subscription, "resend", example="yard subscription resend 3")(resend)


def list_subscriptions(session: Session) -> None:
    """List what you want to be told of."""
    rows = list(session.site.pages("subscriptions"))
    empty = "You have no subscription."
    session.out.answer({"results": rows}, lambda: session.out.table(COLUMNS, rows, empty=empty))


def view(session: Session, number: Number) -> None:
    """Show one subscription."""
    row = session.site.get(f"subscriptions/{number}")
    session.out.answer(row, lambda: session.out.record(row.items()))


def add(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    events: Events = None,
    late_after: LateAfter = None,
    own: OnlyOwn = None,
    queue: OnlyQueue = None,
    kind: OnlyType = None,
    host: OnlyHost = None,
    enabled: Enabled = None,
) -> None:
    """Have yourself told of something.

    The address, as Apprise writes them, often holds a password: it is asked for, or read from standard input.
    """
    check_text(name)
    if not events:
        raise Usage("It is not said what about.", hint=f"Say --event; possible: {', '.join(EVENTS)}.")
    body = _body(events, late_after, only_own=own, queue=queue, type=kind, host=host, enabled=enabled)
    row = session.site.post("subscriptions", {"name": name, "url": ask_secret("address"), **body}).json
    session.out.answer(row, lambda: session.out.line(f"Subscription {row['id']} is made; it goes to {row['to']}."))


def update(
    session: Session,
    number: Number,
    name: Annotated[str | None, typer.Option("--name", "-n", help="What it is for.")] = None,
    address: Annotated[bool, typer.Option("--address", help="Ask for a new one.")] = False,
    events: Events = None,
    late_after: LateAfter = None,
    own: OnlyOwn = None,
    queue: OnlyQueue = None,
    kind: OnlyType = None,
    host: OnlyHost = None,
    enabled: Enabled = None,
) -> None:
    """Change a subscription. Events that are given take the place of all before; "*" takes a limit away."""
    body = _body(events, late_after, name=name, only_own=own, queue=queue, type=kind, host=host, enabled=enabled)
    body |= {"url": ask_secret("address")} if address else {}
    if not body:
        raise Usage("Nothing is to be changed.", hint="See --help for what can be.")
    row = session.site.patch(f"subscriptions/{number}", body)
    session.out.answer(row, lambda: session.out.line(f"Subscription {number} is changed."))


def _body(events: list[str] | None, late_after: str | None, **told: Any) -> dict[str, Any]:
    """What was given, as the API has it. Raises Usage."""
    words = [word for text in events or () for word in text.split(",")]
    for word in words:
        one_of(word, EVENTS, what="event")
    seconds = late_after if late_after in {None, "*"} else int(span(str(late_after)).total_seconds())
    return given({"events": words or None, "late_after": seconds, **told})


def delete(session: Session, number: Number) -> None:
    """Remove a subscription, with what was noted for it."""
    session.site.delete(f"subscriptions/{number}")
    session.out.answer({"id": number, "deleted": True}, lambda: session.out.line(f"Subscription {number} is removed."))


def notices(
    session: Session,
    number: Number,
    limit: Annotated[int, typer.Option("--limit", "-l", min=0, help="At most so many; 0: all.")] = 100,
) -> None:
    """List what there was to tell, the newest first."""
    rows = list(session.site.pages(f"subscriptions/{number}/notices", limit=limit or None))
    empty = "There was nothing to tell."
    session.out.answer({"results": rows}, lambda: session.out.table(NOTICE_COLUMNS, rows, empty=empty))


def resend(session: Session, number: Number) -> None:
    """Try again what was given up."""
    row = session.site.post(f"subscriptions/{number}/resend").json
    session.out.answer(row, lambda: session.out.line(f"{row['resent']} notices are tried again."))
