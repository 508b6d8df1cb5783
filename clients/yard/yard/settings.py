"""What yard goes by: an option, else a variable, else client.yaml, else the last login, else a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from yard.failures import Failure, Usage, did_you_mean
from yard.places import check_private, configuration_file
from yard.tokens import Tokens

DEFAULT_URL: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Key:
    """Where a setting may come from."""

    variables: tuple[str, ...]
    words: tuple[str, ...]
    default: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and where it came from in words."""

    value: str
    origin: str


KEYS: Final[Mapping[str, Key]] = {
    "url": Key(("YARD_URL", "BATCH_MANAGER_URL"), ("url", "manager_url"), DEFAULT_URL),
    "queue": Key(("YARD_QUEUE", "BATCH_QUEUE"), ("queue",), "default"),
    "type": Key(("YARD_TYPE", "BATCH_TYPE"), ("type",), "command"),
    "host": Key(("YARD_HOST", "BATCH_HOST"), ("host",)),
    "username": Key(("YARD_USERNAME", "BATCH_USERNAME"), ("username",)),
    "password": Key(("YARD_PASSWORD", "BATCH_PASSWORD"), ("password",), is_secret=True),
    "token": Key(("YARD_TOKEN",), (), is_secret=True),
    "ca_certificate": Key(("YARD_CA_CERTIFICATE",), ("ca_certificate",)),
    "certificate": Key((), ("certificate",)),
    "key": Key((), ("key",)),
    "unchecked": Key((), ("disable_server_certificate_check",), "false"),
}
# Keys of batchd's file that mean nothing here: who needs no password needs no word for it.
IGNORED: Final = frozenset({"disable_auth"})


class Settings:
    """The settings of one command."""

    def __init__(self, environ: Mapping[str, str], options: Mapping[str, str | None]) -> None:
        self._environ = environ
        self._options = {name: value for name, value in options.items() if value is not None}
        self.file = configuration_file(environ, told=self._options.get("config"))
        self._whole = _read(self.file) if self.file else {}
        self.tokens = Tokens(environ)
        self.url = address(self["url"].value, origin=self["url"].origin)
        self._of_site = self._section()

    def __getitem__(self, name: str) -> Setting:
        key = KEYS[name]
        if name in self._options:
            return Setting(self._options[name], "option")
        for variable in key.variables:
            if self._environ.get(variable):
                return Setting(self._environ[variable], variable)
        for word in key.words:
            if (value := self._told(word)) is not None:
                return Setting(value, str(self.file))
        if name == "url" and self.tokens.current:
            return Setting(self.tokens.current, "last login")
        return Setting(key.default, "default")

    def _told(self, word: str) -> str | None:
        sections = (getattr(self, "_of_site", {}), self._whole)
        return next((str(section[word]) for section in sections if section.get(word) is not None), None)

    def _section(self) -> Mapping[str, Any]:
        """What the file says for this site alone."""
        sites: Mapping[str, Mapping[str, Any]] = self._whole.get("sites") or {}
        return next((told for url, told in sites.items() if address(url, origin=str(self.file)) == self.url), {})


def address(text: str, *, origin: str) -> str:
    """The root of the site that `text` means: batchd's and the API's own paths are taken off. Raises Usage."""
    try:
        parts = urlsplit(text.strip())
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_whole = False
    if not is_whole:
        hint = "Write it like https://batchyard.example.org."
        raise Usage(f"{text[:200]!r} (from {origin}) is not a URL.", hint=hint, code="bad_url")
    if "@" in parts.netloc:
        raise Usage("A URL with a name or password in it is refused.", hint="Run yard login.", code="bad_url")
    path = parts.path.rstrip("/")
    for known in ("/batchd", "/api/v1", "/api"):
        path = path.removesuffix(known)
    return f"{parts.scheme}://{parts.netloc.lower()}{path.rstrip('/')}"


def _read(path: Path) -> dict[str, Any]:
    """A client.yaml. Raises Failure saying what is wrong with it."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"Cannot read {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(f"{path} is not YAML: {' '.join(str(error).split())[:200]}.") from error
    told = {} if told is None else told
    _check(told, path, sites=True)
    sections = [told, *(told.get("sites") or {}).values()]
    if any(section.get("password") for section in sections):
        check_private(path, what="a password")
    result: dict[str, Any] = told
    return result


def _check(told: object, path: Path, *, sites: bool) -> None:
    if not isinstance(told, dict):
        raise Failure(f"{path} is not a mapping of keys to values.")
    known = {word for key in KEYS.values() for word in key.words} | IGNORED | ({"sites"} if sites else set())
    for word, value in told.items():
        if word not in known:
            raise Failure(f'{path} has an unknown key "{str(word)[:60]}".', hint=did_you_mean(str(word), known))
        if word == "sites":
            _check_sites(value, path)
        elif not isinstance(value, str | int | bool | None):
            raise Failure(f'{path}: "{word}" is not a text.')
        elif isinstance(value, bool):
            told[word] = str(value).lower()


def _check_sites(sites: object, path: Path) -> None:
    if not isinstance(sites, dict | None):
        raise Failure(f'{path}: "sites" is not a mapping of URLs to settings.')
    for section in (sites or {}).values():
        _check(section, path, sites=False)
