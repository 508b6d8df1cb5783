"""The keys that stored secrets are sealed with. They are never in the database."""

from __future__ import annotations

import base64
import binascii
import functools
import os
import re
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

from scheduler_site.places import kept_line, replace_private

KEY_BYTES: Final = 32
BETWEEN: Final = re.compile(r"[,\s]+")


class SecretsUnusable(Exception):
    """A secret cannot be kept or read; the message says why and what helps."""


class Ring:
    """Some keys: what the first one seals, and what any of them opens."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.first = Fernet(keys[0])
        self.all = MultiFernet([Fernet(key) for key in keys])


def ring() -> Ring | None:
    """The keys as they are now: a change of their file counts at once. None if there are none yet.

    Raises SecretsUnusable if what should hold them cannot be read or holds something else.
    """
    text = settings.BATCHYARD_SECRET_KEYS or _file_text()
    return _parsed(text, told_source()) if text is not None else None


def made_ring() -> Ring:
    """The keys; the first one is made and kept if there are none. Raises SecretsUnusable."""
    if (found := ring()) is not None:
        return found
    kept_line(settings.BATCHYARD_SECRET_KEYS_FILE, new_key())
    return _parsed(_file_text() or "", told_source())


def add_key() -> Path:
    """Put a new key before the others in their file, which is told. Raises SecretsUnusable if they are in no file."""
    path: Path = settings.BATCHYARD_SECRET_KEYS_FILE
    if settings.BATCHYARD_SECRET_KEYS:
        raise SecretsUnusable("The keys stand in BATCHYARD_SECRET_KEYS. Put the new one before them there, yourself.")
    made_ring()
    replace_private(path, f"{new_key()}\n{_file_text() or ''}")
    return path


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def told_source() -> str:
    """Where the keys are, in words."""
    return "BATCHYARD_SECRET_KEYS" if settings.BATCHYARD_SECRET_KEYS else str(settings.BATCHYARD_SECRET_KEYS_FILE)


def _file_text() -> str | None:
    path: Path = settings.BATCHYARD_SECRET_KEYS_FILE
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        if settings.HAS_OWN_SECRET_KEYS_FILE:
            raise SecretsUnusable(f"BATCHYARD_SECRET_KEYS_FILE names {path}, which is not there.") from None
        return None
    except (OSError, UnicodeDecodeError) as problem:
        raise SecretsUnusable(f"The keys of stored secrets, {path}, cannot be read: {problem}.") from problem


@functools.lru_cache(maxsize=8)
def _parsed(text: str, source: str) -> Ring:
    # Standard base64, as openssl writes it, means the same.
    keys = tuple(key.translate(str.maketrans("+/", "-_")) for key in BETWEEN.split(text) if key)
    if not keys:
        raise SecretsUnusable(
            f"{source} holds no key. Possible: keys of {KEY_BYTES} bytes in base64, the newest first."
        )
    for number, key in enumerate(keys, 1):
        if not _is_key(key):
            hint = f"Possible: {KEY_BYTES} bytes in base64, as `openssl rand -base64 {KEY_BYTES}` writes them."
            raise SecretsUnusable(f"Key {number} of {source} is no key. {hint}")
    return Ring(keys)


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
