from __future__ import annotations

import os


def quoted(value: str | bytes) -> bytes:
    """`value` as one word of a shell, whatever bytes it has but NUL. Text becomes UTF-8."""
    data = value if isinstance(value, bytes) else os.fsencode(value)
    return b"'" + data.replace(b"'", b"'\\''") + b"'"
