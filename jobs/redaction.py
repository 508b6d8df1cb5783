"""What can be kept secret, and how: secrets in what a run writes, also re-coded and torn by chunk borders, are found.

A secret and the asterisks in its place are equally long, so offsets stay those of what the command wrote. Pure.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote, quote_plus

# What stands in the place of a secret wherever values are kept or shown.
MASK: Final = "***"
# Shorter ones would be found everywhere in an output, and longer ones cost too much to look for.
LEAST_CHARACTERS: Final = 6
LIMIT_BYTES: Final = 32 * 1024
# Shorter parts of a secret, such as its lines, are not looked for.
LEAST_BYTES: Final = 6
# Where `openssl base64` and `base64` break their lines.
BASE64_WIDTHS: Final = (64, 76)
BITS_OF_BYTE: Final = 8
BITS_OF_DIGIT: Final = 6
STAR: Final = b"*"


def shortcoming(name: str, text: str) -> tuple[str, str, str] | None:
    """Code, message and hint if the text cannot be kept secret. No message repeats any of it."""
    if len(text) < LEAST_CHARACTERS:
        message = f'Parameter "{name}" is a secret of fewer than {LEAST_CHARACTERS} characters.'
        hint = "It could not be told from other text, and so not be kept out of the output. Use a longer one."
        return "too_short", message, hint
    if (size_bytes := len(text.encode())) > LIMIT_BYTES:
        return "too_long", f'Parameter "{name}" has {size_bytes} bytes; a secret may have {LIMIT_BYTES}.', ""
    return None


class Redaction:
    """Looks for some secrets. It remembers nothing of what it has seen: what it needs is handed to it again."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {form for secret in secrets for form in forms(secret) if len(form) >= LEAST_BYTES}
        self._forms = tuple(sorted(found, key=len, reverse=True))

    @property
    def reach_bytes(self) -> int:
        """How much before a place has to be seen to know whether a secret reaches into it."""
        return len(self._forms[0]) - 1 if self._forms else 0

    def piece(self, data: bytes, *, seen: int, is_last: bool) -> bytes:
        """What may be kept of `data` after its first `seen` bytes, which were kept before: all that can be judged.

        Unless it `is_last`, an end that may turn out to be the begin of a secret is left out: give it again,
        with what follows it.
        """
        end = len(data) if is_last else len(data) - self._open_bytes(data)
        return self._starred(data)[seen : max(seen, end)]

    def text(self, text: str) -> str:
        """`text` without the secrets."""
        return self._starred(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def _starred(self, data: bytes) -> bytes:
        starred: bytearray | None = None
        for form in self._forms:
            at = data.find(form)
            while at >= 0:
                starred = bytearray(data) if starred is None else starred
                starred[at : at + len(form)] = STAR * len(form)
                # From the next byte: two may overlap.
                at = data.find(form, at + 1)
        return data if starred is None else bytes(starred)

    def _open_bytes(self, data: bytes) -> int:
        """The length of the longest end of `data` with which a secret could begin."""
        return max((open_bytes(data, form) for form in self._forms), default=0)


class Blackout:
    """For a run whose secrets cannot be read: everything but line breaks is hidden."""

    reach_bytes: Final = 0

    def piece(self, data: bytes, *, seen: int, is_last: bool) -> bytes:
        return re.sub(rb"[^\r\n]", STAR, data[seen:])

    def text(self, text: str) -> str:
        return text


def open_bytes(data: bytes, form: bytes) -> int:
    """The length of the longest end of `data` that is a begin, and not the whole, of `form`."""
    tail = data[-(len(form) - 1) :]
    # Long ones by their first bytes, which are rare; what is shorter than those one by one.
    at = tail.find(form[:LEAST_BYTES])
    while at >= 0:
        if form.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(form[:LEAST_BYTES], at + 1)
    return next((size for size in range(LEAST_BYTES - 1, 0, -1) if tail.endswith(form[:size])), 0)


def forms(secret: str) -> Iterator[bytes]:
    """The ways in which a secret is written: itself, its lines, quoted for shells and JSON, in URLs, in base64."""
    for text in (secret, *_lines(secret)):
        for written in (text, *_quoted(text), *_in_urls(text)):
            yield written.encode()
    yield from _base64(secret.encode())
    if not secret.endswith("\n"):
        # As `echo "$secret" | base64` has it.
        yield from _base64(f"{secret}\n".encode())


def _lines(secret: str) -> Sequence[str]:
    lines = [line.strip() for line in secret.splitlines()]
    return [line for line in lines if len(line) >= LEAST_BYTES and line != secret]


def _quoted(text: str) -> Iterator[str]:
    yield shlex.quote(text)[1:-1] if "'" in text else text
    yield text.replace("'", "'\\''")
    yield re.sub(r"([\"\\$`])", r"\\\1", text)
    # printf %q
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", text, flags=re.ASCII)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    # $'...'
    yield json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")


def _in_urls(text: str) -> Iterator[str]:
    for coded in (quote(text, safe=""), quote(text), quote(text, safe="!'()*"), quote_plus(text)):
        yield coded
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), coded)


def _base64(secret: bytes) -> Iterator[bytes]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = encode(secret)
        yield coded
        for width in BASE64_WIDTHS:
            if len(coded) > width:
                yield from (coded[first : first + width] for first in range(0, len(coded), width))
        # Within something longer, by its distance from a group's begin: the digits that it alone decides.
        for ahead in range(3):
            begin = -(-ahead * BITS_OF_BYTE // BITS_OF_DIGIT)
            end = (ahead + len(secret)) * BITS_OF_BYTE // BITS_OF_DIGIT
            yield encode(b"\0" * ahead + secret)[begin:end]
