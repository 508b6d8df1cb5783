"""yard user, group, grant, token: who may do what."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from yard import names, passwords
from yard.failures import Failure, Usage
from yard.options import ID_LIMIT, Host, OnlyQueue, OnlyType, Pool, check_text, one_of
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
GROUPS: Final = Resource(
    "group",
    "groups",
    (Column("GROUP", lambda row: row["name"]), Column("USERS", lambda row: row["users"])),
    names.groups,
)

UserName = Annotated[str, typer.Argument(metavar="USER", autocompletion=names.users)]
GroupName = Annotated[str, typer.Argument(metavar="GROUP", autocompletion=names.groups)]
Members = Annotated[list[str] | None, typer.Argument(metavar="USER", autocompletion=names.users)]
Email = Annotated[str | None, typer.Option("--email", help="An address.")]
InGroup = Annotated[
    list[str] | None,
    typer.Option("--group", "-g", autocompletion=names.groups, help='May be repeated; all at once. "*": none.'),
]
GrantId = Annotated[int, typer.Argument(min=1, max=ID_LIMIT - 1, metavar="GRANT")]
Superuser = Annotated[bool | None, typer.Option("--superuser/--no-superuser", help="May do everything.")]
Staff = Annotated[bool | None, typer.Option("--staff/--no-staff", help="May open the admin pages.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password there; on update also the present.")
]


def register(user: typer.Typer, group: typer.Typer, grant: typer.Typer, token: typer.Typer) -> None:
    USERS.register(user, example="ann")
    verb(user, "add", example="yard user add ann --group artists\nyard user add bot --password-stdin < secret")(
        add_user
    )
    verb(user, "update", example="yard user update ann --disable\nyard user update ann --group artists")(update_user)
    verb(user, "password", example="yard user password\nyard user password ann --password-stdin < secret")(password)
    GROUPS.register(group, example="artists")
    verb(group, "add", example="yard group add artists ann bob")(add_group)
    verb(
        group,
        "update",
        example="yard group update artists ann bob\nyard group update artists --add cat --remove ann",
    )(update_group)
    verb(grant, "list", example="yard grant list\nyard grant list --user ann\n"
         "yard grant list --permission ManageJobs --queue nightly")(list_grants)  # fmt: skip
    verb(grant, "view", example="yard grant view 12")(view_grant)
    verb(grant, "add", example="yard grant add ann CreateJobs --queue nightly --type render\n"
         "yard grant add --group artists ViewJobs --queue nightly")(add_grant)  # fmt: skip
    verb(grant, "delete", example="yard grant delete 12")(delete_grant)
    verb(token, "list", example="yard token list")(list_tokens)
    verb(token, "add", example="yard token add 'nightly report' --expires '1 week' --only-reads")(add_token)
    verb(token, "delete", example="yard token delete bsk_3f9c01d2")(delete_token)


def add_user(
    session: Session,
    name: UserName,
    email: Email = None,
    group: InGroup = None,
    superuser: Superuser = None,
    staff: Staff = None,
    without: Annotated[bool, typer.Option("--no-password", help="For who signs in by another way.")] = False,
    from_stdin: FromStdin = False,
) -> None:
    """Make an account. The password is asked for."""
    if without and from_stdin:
        raise Usage("--no-password and --password-stdin exclude each other.")
    word = None if without else passwords.ask(f"Password for {name}", is_from_stdin=from_stdin, twice=True)
    body = {"password": word, "email": email, "groups": _groups(group), "superuser": superuser, "staff": staff}
    USERS.add(session, name, body)


def update_user(
    session: Session,
    name: UserName,
    email: Email = None,
    group: InGroup = None,
    superuser: Superuser = None,
    staff: Staff = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", "-e/-D", help="May come in.")] = None,
) -> None:
    """Change an account. Groups that are given take the place of all before."""
    body = {"email": email, "groups": _groups(group), "superuser": superuser, "staff": staff, "enabled": enabled}
    USERS.update(session, name, body)


def _groups(told: list[str] | None) -> list[str] | None:
    check_text(*(told or ()))
    return [] if told == ["*"] else told or None


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


def add_group(session: Session, name: GroupName, users: Members = None) -> None:
    """Make a group of users, who may then do the same."""
    check_text(*(users or ()))
    GROUPS.add(session, name, {"users": users or []})


def update_group(
    session: Session,
    name: GroupName,
    users: Members = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="USER", autocompletion=names.users, help="Besides; may be repeated."),
    ] = None,
    fewer: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="USER", autocompletion=names.users, help="No more; may be repeated."),
    ] = None,
) -> None:
    """Change who is in a group. Users that are given without an option take the place of all before."""
    check_text(*(users or ()), *(more or ()), *(fewer or ()))
    if users and (more or fewer):
        raise Usage("Users without an option are all of the group; --add and --remove change it.")
    if not (more or fewer):
        GROUPS.update(session, name, {"users": users or None})
        return
    present = [str(user) for user in session.site.get(GROUPS.at(name))["users"]]
    strangers = [user for user in fewer or () if user not in present]
    if strangers:
        raise Failure(f'"{strangers[0][:60]}" is not in the group "{name}".', code="not_in_group")
    left = [user for user in [*present, *(more or ())] if user not in (fewer or ())]
    GROUPS.update(session, name, {"users": list(dict.fromkeys(left))})


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
    permission: Annotated[
        str | None,
        typer.Option("--permission", "-p", autocompletion=names.words(*PERMISSIONS), help="Only for this."),
    ] = None,
    queue: OnlyQueue = None,
    kind: OnlyType = None,
    host: Host = None,
    pool: Pool = None,
) -> None:
    """List who may do what."""
    if permission is not None:
        one_of(permission, PERMISSIONS, what="permission")
    asked = given({
        "user": user, "group": group, "permission": permission, "queue": queue, "type": kind, "host": host, "pool": pool
    })  # fmt: skip
    rows = list(session.site.pages("grants", **asked))
    session.out.answer({"results": rows}, lambda: session.out.table(GRANT_COLUMNS, rows, empty="There is no grant."))


def view_grant(session: Session, number: GrantId) -> None:
    """Show one grant."""
    row = session.site.get(f"grants/{number}")
    session.out.answer(row, lambda: session.out.record(row.items()))


def add_grant(
    session: Session,
    words: Annotated[list[str], typer.Argument(metavar="[USER] PERMISSION", autocompletion=names.words(*PERMISSIONS))],
    group: Annotated[
        str | None, typer.Option("--group", "-g", autocompletion=names.groups, help="To all of a group.")
    ] = None,
    queue: OnlyQueue = None,
    kind: OnlyType = None,
    host: Host = None,
    pool: Pool = None,
) -> None:
    """Let a user, or all of a group, do one kind of thing, anywhere or within all limits named.

    The host __default__ stands for that of the queue or type.
    """
    *who, permission = words
    if len(who) != (0 if group else 1):
        raise Usage("A grant is for one user, or with --group for one group.", hint="yard grant add USER PERMISSION")
    one_of(permission, PERMISSIONS, what="permission")
    limits = given({"queue": queue, "type": kind, "host": host, "pool": pool})
    holder = {"group": group} if group else {"user": who[0]}
    row = session.site.post("grants", {**holder, "permission": permission, **limits}).json
    session.out.answer(row, lambda: session.out.line(f"Grant {row['id']} is made."))


def delete_grant(session: Session, number: GrantId) -> None:
    """Take a grant away."""
    session.site.delete(f"grants/{number}")
    session.out.answer({"id": number, "deleted": True}, lambda: session.out.line(f"Grant {number} is removed."))


TOKEN_COLUMNS: Final = (
    Column("TOKEN", lambda row: row["key"]),
    Column("NAME", lambda row: row["name"]),
    Column("UNTIL", lambda row: told(row["expires_at"], at=local_now()) or "revoked"),
    Column("READS ONLY", lambda row: row["only_reads"] or "", 3),
    Column("LAST USED", lambda row: told(row["last_used_at"], at=local_now()), 2),
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
    only_reads: Annotated[bool, typer.Option("--only-reads", help="It can change nothing.")] = False,
) -> None:
    """Make a token of yours and show it, this once."""
    check_text(name)
    ends = {} if expires == "never" else {"expires_at": (local_now() + span(expires)).isoformat()}
    body = {"name": name, **ends, **({"only_reads": True} if only_reads else {})}
    row = session.site.post("tokens", body).json
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
