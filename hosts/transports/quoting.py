from __future__ import annotations


def as_bytes(value: str | bytes) -> bytes:
    """The bytes of `value`. Text becomes UTF-8; bytes that were no UTF-8 when they became text come back."""
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def quoted(value: str | bytes) -> bytes:
    """`value` as one word of a shell, whatever bytes it has but NUL."""
    return b"'" + as_bytes(value).replace(b"'", b"'\\''") + b"'"
