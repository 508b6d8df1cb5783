"""yard host, pool: where jobs run."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from yard import names
from yard.failures import Usage
from yard.options import Source, Title, definition, pair, read_text
from yard.passwords import ask_secret
from yard.printing import Column
from yard.resource import Resource
from yard.session import Session
from yard.verb import verb

HOSTS: Final = Resource(
    "host",
    "hosts",
    (
        Column("HOST", lambda row: row["name"]),
        Column("ON", lambda row: row["enabled"], 2),
        Column("STATE", lambda row: row["state"]),
        Column("SEATS", lambda row: row["seats"], 1),
        Column("BY", lambda row: row["transport"], 3),
        Column("ADDRESS", lambda row: row["address"], 4),
        Column("WHY", lambda row: row["state_reason"], 5),
    ),
    names.hosts,
)
POOLS: Final = Resource(
    "pool",
    "pools",
    (
        Column("POOL", lambda row: row["name"]),
        Column("HOSTS", lambda row: row["hosts"]),
        Column("TITLE", lambda row: row["title"], 1),
    ),
    names.pools,
)

HostName = Annotated[str, typer.Argument(metavar="HOST", autocompletion=names.hosts)]
PoolName = Annotated[str, typer.Argument(metavar="POOL", autocompletion=names.pools)]
Members = Annotated[list[str] | None, typer.Argument(metavar="HOST", autocompletion=names.hosts)]
Transport = Annotated[
    str | None, typer.Option("--transport", autocompletion=names.words("local", "ssh"), help="local or ssh.")
]
Address = Annotated[str | None, typer.Option("--address", "-a", help="Name or IP address.")]
Port = Annotated[int | None, typer.Option("--port", help="Of SSH; 22 without.")]
User = Annotated[str | None, typer.Option("--user", "-u", help="Who logs in there.")]
Key = Annotated[str | None, typer.Option("--key", "-k", help="Name of a private key of the site.")]
PrivateKey = Annotated[
    str | None,
    typer.Option("--private-key", metavar="FILE", help='Keep this key at the site, sealed; "*" takes it away.'),
]
Passphrase = Annotated[bool, typer.Option("--passphrase", help="Ask for what unlocks it, or read it.")]
HostKeys = Annotated[list[str] | None, typer.Option("--host-key", help="An accepted public key; may be repeated.")]
Seats = Annotated[int | None, typer.Option("--seats", help="How many jobs at once.")]
Variables = Annotated[list[str] | None, typer.Option("--variable", "-v", metavar="NAME=VALUE", help="For its jobs.")]
Enabled = Annotated[bool | None, typer.Option("--enable/--disable", "-e/-D", help="Whether jobs start there.")]


def register(host: typer.Typer, pool: typer.Typer) -> None:
    HOSTS.register(host, example="build1", is_forced=True)
    ssh = "--transport ssh --address build1.example.org --user batch --key build1"
    verb(host, "add", example=f"yard host add build1 {ssh} --seats 2\n"
         "yard host add build2 --transport ssh --address build2 --private-key ~/.ssh/id_ed25519")(add_host)  # fmt: skip
    verb(host, "update", example="yard host update build1 --seats 4")(update_host)
    verb(host, "enable", example="yard host enable build1")(enable)
    verb(host, "disable", example="yard host disable build1")(disable)
    verb(host, "scan", example="yard host scan build1")(scan)
    POOLS.register(pool, example="farm")
    verb(pool, "add", example="yard pool add farm build1 build2")(add_pool)
    verb(pool, "update", example="yard pool update farm build2 build1")(update_pool)


def add_host(
    session: Session,
    name: HostName,
    transport: Transport = None,
    address: Address = None,
    port: Port = None,
    user: User = None,
    key: Key = None,
    private_key: PrivateKey = None,
    passphrase: Passphrase = False,
    host_key: HostKeys = None,
    seats: Seats = None,
    variable: Variables = None,
    enabled: Enabled = None,
    source: Source = None,
) -> None:
    """Make a host: this machine, or one reached over SSH."""
    told = _host(
        private_key, is_locked=passphrase,
        transport=transport, address=address, port=port, user=user, key=key, seats=seats, enabled=enabled,
    )  # fmt: skip
    HOSTS.add(session, name, {**definition(source), **told, **_lists(host_key, variable)})


def update_host(
    session: Session,
    name: HostName,
    transport: Transport = None,
    address: Address = None,
    port: Port = None,
    user: User = None,
    key: Key = None,
    private_key: PrivateKey = None,
    passphrase: Passphrase = False,
    host_key: HostKeys = None,
    seats: Seats = None,
    variable: Variables = None,
    enabled: Enabled = None,
    source: Source = None,
) -> None:
    """Change a host. Keys and variables that are given take the place of all before."""
    told = _host(
        private_key, is_locked=passphrase,
        transport=transport, address=address, port=port, user=user, key=key, seats=seats, enabled=enabled,
    )  # fmt: skip
    HOSTS.update(session, name, {**definition(source), **told, **_lists(host_key, variable)})


def _host(private_key: str | None, *, is_locked: bool, **told: Any) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None} | _pair(private_key, is_locked=is_locked)


def _lists(host_keys: list[str] | None, variables: list[str] | None) -> dict[str, Any]:
    told: dict[str, Any] = {"host_keys": host_keys} if host_keys else {}
    if variables:
        told["variables"] = dict(pair(text, what="a variable") for text in variables)
    return told


def _pair(private_key: str | None, *, is_locked: bool) -> dict[str, Any]:
    """A private key and what unlocks it. Raises Failure."""
    if private_key in {None, "*"}:
        if is_locked:
            raise Usage("A passphrase comes with --private-key.")
        return {} if private_key is None else {"private_key": private_key}
    told = {"private_key": read_text(str(private_key))}
    return {**told, "passphrase": ask_secret("passphrase")} if is_locked else told


def enable(session: Session, name: HostName) -> None:
    """Let jobs start on a host."""
    HOSTS.update(session, name, {"enabled": True})


def disable(session: Session, name: HostName) -> None:
    """Let no more jobs start on a host. Those that run go on."""
    HOSTS.update(session, name, {"enabled": False})


def scan(session: Session, name: HostName) -> None:
    """Show the public keys that an SSH host offers now, for you to compare. Nothing is changed."""
    keys = session.site.post(f"{HOSTS.at(name)}/scan_keys").json["keys"]
    columns = (Column("TYPE", lambda row: row["type"]), Column("FINGERPRINT", lambda row: row["fingerprint"]))
    session.out.answer({"keys": keys}, lambda: session.out.table(columns, keys, empty="It offers none."))


def add_pool(session: Session, name: PoolName, hosts: Members = None, title: Title = None) -> None:
    """Make a pool of hosts, in the order in which they are tried."""
    POOLS.add(session, name, {"hosts": hosts or [], "title": title})


def update_pool(session: Session, name: PoolName, hosts: Members = None, title: Title = None) -> None:
    """Change a pool's hosts or title."""
    POOLS.update(session, name, {"hosts": hosts or None, "title": title})
