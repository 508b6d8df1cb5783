"""yard user, grant, token: who may do what."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from yard import names, passwords
from yard.failures import Failure, Usage, did_you_mean
from yard.options import ID_LIMIT, Host, Pool, check_text
from yard.printing import Column
from yard.resource import Resource, given
from yard.session import Session, local_now
from yard.site import part
from yard.times import span, told
from yard.verb import verb

PERMISSIONS: Final = (
    "SuperUser", "CreateJobs", "ViewJobs", "ManageJobs", "ViewQueues", "ManageQueues", "ViewSchedules",
    "ManageSchedules", "ViewJobTypes", "ManageJobTypes", "ViewHosts", "ManageHosts", "ViewPools", "ManagePools",
)  # fmt: skip
USERS: Final = Resource(
    "user",
    "users",
    (
        Column("USER", lambda row: row["name"]),
        Column("ON", lambda row: row["enabled"]),
        Column("ALL RIGHTS", lambda row: row["superuser"], 1),
        Column("GROUPS", lambda row: row["groups"], 2),
        Column("E-MAIL", lambda row: row["email"], 3),
    ),
    names.users,
)

UserName = Annotated[str, typer.Argument(metavar="USER", autocompletion=names.users)]
Email = Annotated[str | None, typer.Option("--email", help="An address.")]
InGroup = Annotated[
    list[str] | None, typer.Option("--group", "-g", autocompletion=names.groups, help="May be repeated; all at once.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password there; on update also the present.")
]


def register(user: typer.Typer, grant: typer.Typer, token: typer.Typer) -> None:
    USERS.register(user, example="ann")
    verb(user, "add", example="yard user add ann --group artists\nyard user add bot --password-stdin < secret")(
        add_user
    )
    verb(user, "update", example="yard user update ann --disable\nyard user update ann --group artists")(update_user)
    verb(user, "password", example="yard user password\nyard user password ann --password-stdin < secret")(password)
    verb(grant, "list", example="yard grant list\nyard grant list --user ann")(list_grants)
    verb(grant, "add", example="yard grant add ann CreateJobs --queue nightly --type render\n"
         "yard grant add --group artists ViewJobs --queue nightly")(add_grant)  # fmt: skip
    verb(grant, "delete", example="yard grant delete 12")(delete_grant)
    verb(token, "list", example="yard token list")(list_tokens)
    verb(token, "add", example="yard token add 'nightly report' --expires '1 week'")(add_token)
    verb(token, "delete", example="yard token delete bsk_3f9c01d2")(delete_token)


def add_user(
    session: Session,
    name: UserName,
    email: Email = None,
    group: InGroup = None,
    superuser: Annotated[bool | None, typer.Option("--superuser/--no-superuser", help="May do everything.")] = None,
    from_stdin: FromStdin = False,
) -> None:
    """Make an account. The password is asked for."""
    word = passwords.ask(f"Password for {name}", is_from_stdin=from_stdin, twice=True)
    USERS.add(session, name, {"password": word, "email": email, "groups": group or None, "superuser": superuser})


def update_user(
    session: Session,
    name: UserName,
    email: Email = None,
    group: InGroup = None,
    superuser: Annotated[bool | None, typer.Option("--superuser/--no-superuser", help="May do everything.")] = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", "-e/-D", help="May come in.")] = None,
) -> None:
    """Change an account."""
    body = {"email": email, "groups": group or None, "superuser": superuser, "enabled": enabled}
    USERS.update(session, name, body)


def password(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="USER", autocompletion=names.users)] = None,
    from_stdin: FromStdin = False,
) -> None:
    """Change a password: your own, for which the present one is asked first, or somebody else's."""
    me = str(session.site.get("whoami")["user"])
    body: dict[str, Any] = {}
    if name in {None, me}:
        body["current_password"] = passwords.ask("Present password", is_from_stdin=from_stdin)
    body["password"] = passwords.ask(f"New password of {name or me}", is_from_stdin=from_stdin, twice=True)
    row = session.site.patch(USERS.at(name or me), body)
    session.out.answer(row, lambda: session.out.line(f"The password of {name or me} is changed."))


GRANT_COLUMNS: Final = (
    Column("GRANT", lambda row: row["id"]),
    Column("WHO", lambda row: row["user"] or f"group {row['group']}"),
    Column("MAY", lambda row: row["permission"]),
    Column("QUEUE", lambda row: row["queue"], 1),
    Column("TYPE", lambda row: row["type"], 2),
    Column("HOST", lambda row: row["host"], 3),
    Column("POOL", lambda row: row["pool"], 4),
)


def list_grants(
    session: Session,
    user: Annotated[
        str | None, typer.Option("--user", "-u", autocompletion=names.users, help="Only of a user.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", "-g", autocompletion=names.groups, help="Only of a group.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option("--queue", "-q", autocompletion=names.queues, help="Only for a queue.")
    ] = None,
) -> None:
    """List who may do what."""
    check_text(user, group, queue)
    rows = list(session.site.pages("grants", **given({"user": user, "group": group, "queue": queue})))
    session.out.answer({"results": rows}, lambda: session.out.table(GRANT_COLUMNS, rows, empty="There is no grant."))


def add_grant(
    session: Session,
    words: Annotated[list[str], typer.Argument(metavar="[USER] PERMISSION", autocompletion=names.words(*PERMISSIONS))],
    group: Annotated[
        str | None, typer.Option("--group", "-g", autocompletion=names.groups, help="To all of a group.")
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", "-q", autocompletion=names.queues, help="Only there.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", "-t", autocompletion=names.types, help="Only such jobs.")
    ] = None,
    host: Host = None,
    pool: Pool = None,
) -> None:
    """Let a user, or all of a group, do one kind of thing, anywhere or within all limits named.

    The host __default__ stands for that of the queue or type.
    """
    *who, permission = words
    if len(who) != (0 if group else 1):
        raise Usage("A grant is for one user, or with --group for one group.", hint="yard grant add USER PERMISSION")
    if permission not in PERMISSIONS:
        raise Usage(f'There is no permission "{permission[:60]}".', hint=did_you_mean(permission, PERMISSIONS))
    limits = given({"queue": queue, "type": kind, "host": host, "pool": pool})
    holder = {"group": group} if group else {"user": who[0]}
    row = session.site.post("grants", {**holder, "permission": permission, **limits}).json
    session.out.answer(row, lambda: session.out.line(f"Grant {row['id']} is made."))


def delete_grant(
    session: Session, number: Annotated[int, typer.Argument(min=1, max=ID_LIMIT - 1, metavar="GRANT")]
) -> None:
    """Take a grant away."""
    session.site.delete(f"grants/{number}")
    session.out.answer({"id": number, "deleted": True}, lambda: session.out.line(f"Grant {number} is removed."))


TOKEN_COLUMNS: Final = (
    Column("TOKEN", lambda row: row["key"]),
    Column("NAME", lambda row: row["name"]),
    Column("UNTIL", lambda row: told(row["expires_at"], at=local_now()) or "revoked"),
    Column("MADE", lambda row: told(row["created_at"], at=local_now()), 1),
)


def list_tokens(session: Session) -> None:
    """List your tokens."""
    rows = list(session.site.pages("tokens"))
    session.out.answer({"results": rows}, lambda: session.out.table(TOKEN_COLUMNS, rows, empty="You have no token."))


def add_token(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help='Valid so long; "never".')] = "90 days",
) -> None:
    """Make a token of yours and show it, this once."""
    check_text(name)
    ends = {} if expires == "never" else {"expires_at": (local_now() + span(expires)).isoformat()}
    row = session.site.post("tokens", {"name": name, **ends}).json
    session.out.answer(row, lambda: session.out.line(row["token"]))


def delete_token(session: Session, key: Annotated[str, typer.Argument(metavar="TOKEN")]) -> None:
    """Revoke a token of yours, at once. Its first characters are enough if no other begins so."""
    check_text(key)
    found = [str(row["key"]) for row in session.site.pages("tokens") if str(row["key"]).startswith(key)]
    if len(found) != 1:
        what = "There is no token" if not found else f"{len(found)} tokens begin with"
        raise Failure(f'{what} "{key[:60]}".', hint="See: yard token list", code="unknown_token")
    session.site.delete(f"tokens/{part(found[0])}")
    session.out.answer({"key": found[0], "deleted": True}, lambda: session.out.line(f"Token {found[0]} is revoked."))
