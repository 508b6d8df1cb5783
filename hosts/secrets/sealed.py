"""Texts that the database holds only sealed. Each is bound to its place: moved to another row, it does not open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import models

from hosts.secrets.ring import Ring, SecretsUnusable, made_ring, ring, told_source

# What every sealed text begins with.
SIGN: Final = "gAAAA"


if TYPE_CHECKING:
    Text = models.TextField[str, str]
else:
    Text = models.TextField


class SealedText(Text):
    """A column of sealed texts. Its rows are known to `rotate_secrets` and to the test at the start by this class."""

    def seal(self, text: str, *, pk: int) -> str:
        """What the column may hold of `text` in the row `pk`. Raises SecretsUnusable."""
        if ring() is None and has_sealed():
            raise lost_keys()
        return seal_with(made_ring(), text, place=self.place(pk))

    def open(self, sealed: str, *, pk: int) -> str:
        """The text. Raises SecretsUnusable."""
        keys = ring()
        if keys is None:
            raise lost_keys()
        return open_with(keys, sealed, place=self.place(pk))

    def place(self, pk: int) -> str:
        return f"{self.model._meta.db_table}.{self.column}.{pk}"


def sealed_fields() -> list[SealedText]:
    """Every column of sealed texts that the site has."""
    columns = (field for model in apps.get_models() for field in model._meta.concrete_fields)
    return [field for field in columns if isinstance(field, SealedText)]


def has_sealed() -> bool:
    """Whether anything sealed is stored."""
    return any(field.model._default_manager.exclude(**{field.name: ""}).exists() for field in sealed_fields())


def lost_keys() -> SecretsUnusable:
    return SecretsUnusable(
        f"Secrets are stored and their keys are missing: {told_source()} is not there. "
        "Put that file back, or set BATCHYARD_SECRET_KEYS or BATCHYARD_SECRET_KEYS_FILE to the same keys."
    )


def seal_with(keys: Ring, text: str, *, place: str) -> str:
    return keys.first.encrypt(f"{place}\n{text}".encode()).decode()


def open_with(keys: Ring, sealed: str, *, place: str) -> str:
    """The text that was sealed for `place`. Raises SecretsUnusable, which tells nothing of it."""
    if not sealed.startswith(SIGN):
        raise SecretsUnusable(f"What {place} holds is not sealed. Remove it and give the secret anew.")
    try:
        bound, _, text = keys.all.decrypt(sealed.encode()).decode().partition("\n")
    except (InvalidToken, UnicodeEncodeError):
        hint = f"{told_source()} lacks the key under which it was stored, or it has been changed."
        raise SecretsUnusable(f"The secret in {place} cannot be read: {hint}") from None
    if bound != place:
        raise SecretsUnusable(f"The secret in {place} was stored in another place ({bound}) and is not used here.")
    return text
