"""yard login, logout, whoami, config: who asks whom."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from yard import passwords
from yard.failures import Denied, Failure, Usage
from yard.session import Session
from yard.settings import KEYS
from yard.site import Site, part
from yard.times import span
from yard.verb import verb


def register(app: typer.Typer, config: typer.Typer) -> None:
    verb(
        app,
        "login",
        example="yard login https://batchyard.example.org --username ann --expires '90 days'\n"
        "yard login --username bot --password-stdin < password.txt",
    )(login)
    verb(app, "logout", example="yard logout")(logout)
    verb(app, "whoami", example="yard whoami")(whoami)
    verb(config, "show", example="yard config show\nyard config show --json")(show)
    verb(config, "path", example="yard config path")(path)


def login(
    session: Session,
    there: Annotated[str | None, typer.Argument(metavar="URL", help="The site; later commands go there.")] = None,
    from_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password there.")] = False,
    name: Annotated[str | None, typer.Option("--name", "-n", help="What the token is for.")] = None,
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help='Valid so long; "never".')] = "90 days",
) -> None:
    """Ask for a password once, and keep a token instead of it."""
    if there is not None:
        session.options = {**session.options, "url": there}
    lifetime = None if expires == "never" else span(expires)
    session.settings.tokens.check()
    user = session.settings["username"].value or _ask_name()
    # From standard input, a file or a variable; else people are asked.
    known = session.settings["password"].value if not from_stdin else ""
    password = known or passwords.ask(f"Password of {user} at {session.settings.url}", is_from_stdin=from_stdin)
    settings = session.settings
    entering = Site(settings, basic=(user, password))
    try:
        body = {"name": name or f"yard on {platform.node() or 'a machine'}"[:100]}
        ends = {} if lifetime is None else {"expires_at": (datetime.now(UTC) + lifetime).isoformat()}
        made = entering.post("tokens", {**body, **ends}).json
    except Denied as failure:
        raise Denied(failure.message, code=failure.code) from failure
    finally:
        entering.close()
    token = {"user": user, **{word: made[word] for word in ("token", "key", "name", "expires_at")}}
    settings.tokens.keep(settings.url, token)
    told = {
        "url": settings.url,
        "user": user,
        "key": made["key"],
        "name": made["name"],
        "expires_at": made["expires_at"],
    }
    until = f" until {made['expires_at'][:10]}" if made["expires_at"] else ""
    session.out.answer(told, lambda: session.out.line(f"You are {user} at {settings.url}{until}."))


def _ask_name() -> str:
    default = os.environ.get("USER", "")
    if sys.stdin is None or not sys.stdin.isatty():
        raise Usage("It is not said who logs in.", hint="Say --username NAME.")
    sys.stderr.write(f"User name{f' [{default}]' if default else ''}: ")
    sys.stderr.flush()
    name = sys.stdin.readline().strip() or default
    if not name:
        raise Failure("The user name is empty.")
    return name


def logout(session: Session) -> None:
    """Revoke the token of the last login at the site, and forget it."""
    settings = session.settings
    kept = settings.tokens.of(settings.url)
    if kept is None:
        raise Failure(f"You are not logged in at {settings.url}.", code="not_logged_in")
    try:
        session.site.delete(f"tokens/{part(str(kept['key']))}")
    except Denied:
        session.out.note("The site did not know the token any more.")
    except Failure as failure:
        settings.tokens.forget(settings.url)
        raise Failure(
            f"The token is forgotten here, but not revoked: {failure.message}",
            hint=f"Revoke {kept['key']} at the site.",
            code="not_revoked",
        ) from failure
    settings.tokens.forget(settings.url)
    told = {"url": settings.url, "user": kept["user"]}
    session.out.answer(told, lambda: session.out.line(f"You are logged out of {settings.url}."))


def whoami(session: Session) -> None:
    """Say who the site thinks you are."""
    row = session.site.get("whoami")
    told = {"url": session.site.url, **row}
    session.out.answer(told, lambda: session.out.record(told.items()))


def show(session: Session) -> None:
    """Show every setting and where it comes from. Secrets are not shown."""
    settings = session.settings
    rows: dict[str, Any] = {}
    for name, key in KEYS.items():
        setting = settings[name]
        hidden = "(set)" if key.is_secret and setting.value else setting.value
        rows[name] = {"value": settings.url if name == "url" else hidden, "from": setting.origin}
    kept = settings.tokens.of(settings.url)
    if kept and not settings["token"].value:
        rows["token"] = {"value": f"(that of {kept['user']})", "from": str(settings.tokens.path)}
    shown = ((name, f"{row['value']}  (from {row['from']})") for name, row in rows.items() if row["value"])
    session.out.answer(rows, lambda: session.out.record(shown))


def path(session: Session) -> None:
    """Show which files count."""
    settings = session.settings
    told = {"config": _text(settings.file), "tokens": _text(settings.tokens.path)}
    session.out.answer(told, lambda: session.out.record((name, value or "none") for name, value in told.items()))


def _text(found: object) -> str | None:
    return None if found is None else str(found)
