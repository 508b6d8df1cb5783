"""What an address of a subscription means, and what of it may be shown. Knows no Django: the sender reads it, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

MASK: Final = "***"
# Shorter pieces of an address are words such as `com`, which tell nothing.
SECRET_LENGTH: Final = 4
PIECES: Final = re.compile(r"[/:@?&=,#+;\s]+")


def scheme_of(url: str) -> str:
    """The word before `://`, in lower case; empty if there is none."""
    word, found, _rest = url.strip().partition("://")
    return word.lower() if found and re.fullmatch("[A-Za-z0-9_+-]{1,30}", word) else ""


def place_of(url: str) -> str:
    """What may be shown of `url`: how, and for mail and web addresses also which machine.

    Elsewhere what looks like the machine may be a part of a token.
    """
    scheme = scheme_of(url)
    if not scheme.startswith(("mailto", "json", "xml", "form")):
        return f"{scheme}://{MASK}"
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or MASK, parts.port
    except ValueError:
        host, port = MASK, None
    return f"{scheme}://{host}{f':{port}' if port else ''}"[:200]


def without_secrets(text: str, url: str) -> str:
    """`text` without the pieces of `url` that could open something."""
    for piece in sorted(_pieces(url), key=len, reverse=True):
        text = text.replace(piece, MASK)
    return text


def _pieces(url: str) -> Iterator[str]:
    rest = url.strip().partition("://")[2]
    for piece in PIECES.split(rest):
        if len(piece) >= SECRET_LENGTH:
            yield piece
            yield unquote(piece)
