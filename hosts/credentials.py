"""Private keys that people give to a host instead of the name of a file: sealed at once, read by engines only."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from django.utils import timezone

from accounts.audit import record
from hosts.models import Credential, Host
from hosts.transports.ssh_keys import KeyRefused, read_key

PRIVATE_KEY_LIMIT: Final = 64 * 1024
PASSPHRASE_LIMIT: Final = 1000
SEALED: Final = Credential._meta.get_field("sealed")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key as text, and what unlocks it."""

    private_key: str = field(repr=False)
    passphrase: str = field(default="", repr=False)


def pair_problem(given: KeyPair) -> str | None:
    """What is wrong with a key that was given; None if engines can use it."""
    try:
        read_key(given.private_key.encode(), passphrase=given.passphrase or None, name="What was given")
    except (KeyRefused, UnicodeEncodeError) as problem:
        return str(problem)
    return None


def keep_pair(host: Host, given: KeyPair) -> None:
    """Keep a key for a saved host, in the place of what it had. In the caller's transaction. Raises SecretsUnusable."""
    text = json.dumps({"private_key": given.private_key, "passphrase": given.passphrase})
    columns = {"sealed": SEALED.seal(text, pk=host.pk), "changed_at": timezone.now()}
    had_one = not Credential.objects.update_or_create(host=host, defaults=columns)[1]
    _record(host, had_one=had_one, has_one=True)


def forget_pair(host: Host) -> None:
    """Remove the key that was given to a host. In the caller's transaction."""
    if Credential.objects.filter(host=host).delete()[0]:
        _record(host, had_one=True, has_one=False)


def pair_of(host: Host) -> KeyPair | None:
    """The key that was given to a host; None if there is none. Raises SecretsUnusable."""
    # A host that is only being looked at has no number yet.
    row = None if host._state.adding else Credential.objects.filter(host=host).first()
    if row is None:
        return None
    told = json.loads(SEALED.open(row.sealed, pk=host.pk))
    return KeyPair(told["private_key"], told["passphrase"])


def version_of(host: Host) -> object:
    """Differs once another key has been given."""
    return Credential.objects.filter(host=host).values_list("changed_at", flat=True).first()


def _record(host: Host, *, had_one: bool, has_one: bool) -> None:
    """That it changed, and nothing of it."""
    before, after = ({"private_key": "given" if is_there else None} for is_there in (had_one, has_one))
    record("change", kind=host._meta.label_lower, pk=host.pk, name=host.name, before=before, after=after)
