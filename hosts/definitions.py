"""Checks and saves hosts and pools. The checks take unsaved rows, so that every edge can share them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, ProtectedError
from django.utils.translation import gettext as _

from accounts.audit import Values, changed, removed
from hosts.addresses import address_problem
from hosts.credentials import KeyPair, forget_pair, keep_pair, pair_problem
from hosts.host_keys import KnownHostsRefused, parse_key
from hosts.models import Host, Pool, PoolMember, TransportKind
from hosts.names import validate_name
from hosts.secrets.ring import SecretsUnusable
from hosts.transports.ssh_keys import KeyRefused, load_key_with_passphrase

VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,63}")
VALUE_LIMIT_BYTES: Final = 128 * 1024
SCRIPT_LIMIT: Final = 1024 * 1024
STATE_COLUMNS: Final = ("state", "state_since", "state_reason", "failures", "retry_at", "boot_id", "prepared_boot_id")

Found = dict[str, list[ValidationError]]


class HostInUse(Exception):
    """A host or pool cannot be removed: what needs it, in words."""


def check_host(host: Host) -> None:
    """Raises ValidationError, by field, with everything that is wrong with an unsaved host."""
    found: Found = {}
    try:
        host.full_clean(validate_constraints=False)
    except ValidationError as error:
        found = dict(error.error_dict)
    for field, check in CHECKS.items():
        if field not in found and (message := check(host)):
            found[field] = [ValidationError(message, code=f"bad_{field}")]
    if found:
        raise ValidationError(found)


def save_host(host: Host, *, given: KeyPair | None = None, is_key_removed: bool = False) -> Host:
    """Save a host that people have defined; what the engine knows of it stays. Raises ValidationError.

    `given` is a private key of its own, in the place of the one that it may have; `is_key_removed` takes that away.
    """
    check_host(host)
    check_key(host, given, is_key_removed=is_key_removed)
    columns = [f.name for f in Host._meta.concrete_fields if f.name not in STATE_COLUMNS and not f.primary_key]
    with changed(host):
        host.save(update_fields=None if host._state.adding else columns)
        if given is not None:
            _keep(host, given)
        elif is_key_removed:
            forget_pair(host)
    return host


def check_key(host: Host, given: KeyPair | None, *, is_key_removed: bool = False) -> None:
    """Raises ValidationError if a key that was given cannot be used, or there were two for one host then."""
    if given is not None and (problem := pair_problem(given)):
        raise ValidationError({"private_key": ValidationError(problem, code="bad_private_key")})
    has_own = given is not None or (not is_key_removed and hasattr(host, "credential"))
    if has_own and host.key:
        message = _("A host has the name of a key file or a private key of its own, not both. Remove one of them.")
        raise ValidationError({"key": ValidationError(message, code="two_keys")})


def _keep(host: Host, given: KeyPair) -> None:
    try:
        keep_pair(host, given)
    except SecretsUnusable as problem:
        raise ValidationError({"private_key": ValidationError(str(problem), code="secrets_unusable")}) from problem


def _address(host: Host) -> str | None:
    if not host.address:
        return _("A host that is reached by SSH needs an address.") if host.transport == TransportKind.SSH else None
    return address_problem(host.address)


def _user(host: Host) -> str | None:
    if not host.user or USER.fullmatch(host.user):
        return None
    return _("%(user)s is not the name of an account.") % {"user": repr(host.user[:80])}


def _key(host: Host) -> str | None:
    return key_problem(host.key) if host.key else None


def key_problem(name: str) -> str | None:
    """What is wrong with a private key of this name in the site's key directory; None if it can be used."""
    try:
        validate_name(name)
    except ValidationError:
        return _("%(name)s is not the plain name of a file in the key directory.") % {"name": repr(name[:80])}
    directory = Path(settings.BATCHYARD_KEY_DIR)
    path = directory / name
    if not path.is_file():
        return _("There is no key file %(name)s in %(directory)s.") % {"name": name, "directory": directory}
    try:
        load_key_with_passphrase(path)
    except (KeyRefused, OSError) as problem:
        return str(problem)
    return None


def _host_keys(host: Host) -> str | None:
    for number, line in enumerate(host.host_keys.splitlines(), 1):
        try:
            if line.strip():
                parse_key(line)
        except KnownHostsRefused as problem:
            return _("Line %(number)d: %(problem)s") % {"number": number, "problem": problem}
    return None


def _path(field: str) -> Any:
    def check(host: Host) -> str | None:
        path = getattr(host, field)
        is_plain = all(character.isprintable() for character in path)
        if not path or (is_plain and path.startswith(("/", "~/")) and ".." not in path.split("/")):
            return None
        return _("A directory on a host is an absolute path, or begins with ~/, without '..'.")

    return check


def _startup_commands(host: Host) -> str | None:
    if len(host.startup_commands) > SCRIPT_LIMIT or "\0" in host.startup_commands:
        return _("The startup commands are text without NUL of at most %(limit)d characters.") % {"limit": SCRIPT_LIMIT}
    return None


def _variables(host: Host) -> str | None:
    if not isinstance(host.variables, Mapping):
        return _("Variables are an object: texts by name.")
    for name, value in host.variables.items():
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            return _("%(name)s cannot name a variable: letters, digits and _, not starting with a digit.") % {
                "name": repr(str(name)[:80])
            }
        if not isinstance(value, str) or "\0" in value or len(value.encode()) > VALUE_LIMIT_BYTES:
            return _("The variable %(name)s must be text without NUL of at most 128 KiB.") % {"name": name}
    return None


CHECKS: Final = {
    "address": _address,
    "user": _user,
    "key": _key,
    "host_keys": _host_keys,
    "directory": _path("directory"),
    "input_directory": _path("input_directory"),
    "output_directory": _path("output_directory"),
    "startup_commands": _startup_commands,
    "variables": _variables,
}


def save_pool(pool: Pool, hosts: Sequence[Host] | None) -> Pool:
    """Save a pool and, unless None, its hosts in their order. Raises ValidationError."""
    pool.full_clean(validate_constraints=False)
    if hosts is not None and len({host.pk for host in hosts}) < len(hosts):
        raise ValidationError({"hosts": ValidationError(_("A host stands in the pool twice."), code="repeated")})
    with changed(pool):
        pool.save()
        if hosts is not None:
            pool.members.all().delete()
            PoolMember.objects.bulk_create(
                [PoolMember(pool=pool, host=host, position=place) for place, host in enumerate(hosts)]
            )
    return pool


@transaction.atomic
def remove(row: Host | Pool, *, also: Values | None = None) -> None:
    """Remove a host or pool; `also` is what went with it. Raises HostInUse saying what needs it."""
    if isinstance(row, Host):
        row.leases.exclude(released_at=None).delete()
    try:
        with removed(row, also=also):
            row.delete()
    except ProtectedError as error:
        raise HostInUse(_in_use(row, list(error.protected_objects))) from error


def _in_use(row: Model, users: Sequence[Model]) -> str:
    """What needs `row`, counted by kind."""
    counts: dict[str, int] = {}
    for user in users:
        noun = str(user._meta.verbose_name_plural)
        counts[noun] = counts.get(noun, 0) + 1
    told = ", ".join(f"{count} {noun}" for noun, count in counts.items())
    return f'{str(row._meta.verbose_name).capitalize()} "{row}" is needed by {told}.'
