"""Typed readers of the environment: each names the setting, what is wrong with it and what is possible."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off", ""})
DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql")
BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps", "memory")
SITE_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# Among networks: whoever comes by a unix socket, and so has no address.
UNIX = "unix"


@dataclass(frozen=True, slots=True)
class Bind:
    """The address and port that the web part listens on."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        return self.host != "" and ipaddress.ip_address(self.host).is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Whether it listens on every address of the machine."""
        return self.host == "" or (self.host != "localhost" and ipaddress.ip_address(self.host).is_unspecified)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Environment:
    """Reads settings from a mapping such as `os.environ` and remembers which names it was asked for.

    Every reader raises ImproperlyConfigured, which stops the start, when a value makes no sense.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.known: set[str] = set()

    def text(self, name: str, *, default: str = "") -> str:
        """The value without blanks around it; `default` if it is absent or empty."""
        self.known.add(name)
        return self._values.get(name, "").strip() or default

    def secret(self, name: str) -> str | None:
        """The value of `name`, or the content of the file that `<name>_FILE` names. None if neither is set."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value and path:
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Set one of them.")
        if not path:
            return value or None
        try:
            content = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise ImproperlyConfigured(f"{name}_FILE names {path!r}, which cannot be read: {problem}.") from problem
        if not content:
            raise ImproperlyConfigured(f"{name}_FILE names {path!r}, which is empty.")
        return content

    def secret_source(self, name: str, *, default: Path) -> tuple[str, Path]:
        """The value of `name`, or "" and the file to read it from whenever it is needed: `<name>_FILE` or `default`."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value and path:
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Set one of them.")
        return value, self.directory(f"{name}_FILE", default=default)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or False; `default` if absent or empty."""
        value = self.text(name).lower()
        if not value:
            return default
        if value not in YES | NO:
            raise self._wrong(name, value, "true or false (also 1, 0, yes, no, on, off)")
        return value in YES

    def count(self, name: str, *, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self.text(name, default=str(default))
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise self._wrong(name, value, f"a whole number from {low} to {high}")
        return int(value)

    def names(self, name: str, *, default: str = "") -> list[str]:
        """The items of a comma list, without blanks and empty items."""
        return [item for part in self.text(name, default=default).split(",") if (item := part.strip())]

    def chosen(self, name: str, *, possible: Collection[str], default: str) -> list[str]:
        """The items of a comma list, each one of `possible`."""
        items = self.names(name, default=default)
        for item in items:
            if item not in possible:
                raise self._unknown(name, item, possible)
        return items

    def choice(self, name: str, *, possible: Collection[str], default: str) -> str:
        """One of `possible`."""
        value = self.text(name, default=default)
        if value not in possible:
            raise self._unknown(name, value, possible)
        return value

    def directory(self, name: str, *, default: Path) -> Path:
        """An absolute path; a relative one is taken from the working directory."""
        return Path(self.text(name, default=str(default))).expanduser().absolute()

    def bind(self, name: str, *, default: str) -> Bind:
        """An address and port, written `127.0.0.1:8000`, `[::1]:8000` or `localhost:8000`."""
        value = self.text(name, default=default)
        host, colon, port = value.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        try:
            if host not in ("", "localhost"):
                ipaddress.ip_address(host)
            number = int(port) if colon else -1
        except ValueError:
            number = -1
        if not 0 < number < 65536:
            raise self._wrong(name, value, "an address and a port, such as 127.0.0.1:8000, [::1]:8000 or 0.0.0.0:80")
        return Bind(host, number)

    def networks(self, name: str) -> list[Network | str]:
        """The networks of a comma list of addresses and networks; the word `unix` stays as it is."""
        found: list[Network | str] = []
        for item in self.names(name):
            try:
                found.append(UNIX if item == UNIX else ipaddress.ip_network(item))
            except ValueError as problem:
                possible = "addresses, networks and unix, such as 10.0.0.1, 10.0.0.0/8"
                raise self._wrong(name, item, possible) from problem
        return found

    def site_url(self, name: str) -> str:
        """The address of a site, without a slash at its end; empty if not set."""
        value = self.text(name).rstrip("/")
        if value and not SITE_URL.fullmatch(value):
            raise self._wrong(name, value, "an address such as https://yard.example.org")
        return value

    def database(self, name: str) -> dict[str, object] | None:
        """Django's description of the database that the URL in `name` (or its file) names. None if not set."""
        url = self.secret(name)
        if url is None:
            return None
        scheme = url.partition(":")[0]
        if scheme not in DATABASE_SCHEMES:
            raise self._unknown(name, scheme, DATABASE_SCHEMES)
        try:
            return dict(environ.Env.db_url_config(url))  # type: ignore[no-untyped-call]
        except (ValueError, ImproperlyConfigured) as problem:
            # The URL itself may hold a password: it is never repeated.
            raise ImproperlyConfigured(f"{name} is no database URL. Possible: postgres://USER@HOST/NAME.") from problem

    def broker(self, name: str) -> str | None:
        """The URL of a broker. None if not set: the embedded one."""
        url = self.secret(name)
        if url is not None and (scheme := url.partition(":")[0]) not in BROKER_SCHEMES:
            raise self._unknown(name, scheme, BROKER_SCHEMES)
        return url

    def unknown_names(self, *, prefix: str, ignored: Collection[str] = ()) -> dict[str, str | None]:
        """Names with `prefix` that are set but that no reader asked for, each with the nearest known one."""
        known = self.known.union(ignored)
        strange = [name for name in self._values if name.startswith(prefix) and name not in known]
        return {name: _nearest(name, self.known) for name in sorted(strange)}

    def _wrong(self, name: str, value: str, possible: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"{name} is {value!r}. Possible: {possible}.")

    def _unknown(self, name: str, value: str, possible: Collection[str]) -> ImproperlyConfigured:
        nearest = _nearest(value, possible)
        hint = f" Did you mean {nearest!r}?" if nearest else ""
        return ImproperlyConfigured(f"{name}: {value!r} is unknown.{hint} Possible: {', '.join(possible)}.")


def _nearest(word: str, words: Collection[str]) -> str | None:
    close = difflib.get_close_matches(word, words, n=1)
    return close[0] if close else None
