"""Where the site keeps its own files, and what has to be made there before anything else runs."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

# sockaddr_un holds 108 bytes, the last one a zero.
SOCKET_PATH_BYTES = 107


def make_private_directory(path: Path) -> Path:
    """`path`, made with mode 0700 if it was absent."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def kept_secret(path: Path) -> str:
    """The secret in `path`; made with mode 0600 and kept if absent. Any number of processes get the same one."""
    return kept_line(path, secrets.token_urlsafe(64))


def kept_line(path: Path, new: str) -> str:
    """What `path` holds; `new`, written with mode 0600, if it was absent. Any number of processes get the same."""
    if not path.exists():
        _write_once(path, new)
    return path.read_text(encoding="ascii").strip()


def _write_once(path: Path, content: str) -> None:
    # A link appears whole and only once, so no reader sees half a secret and no writer replaces one.
    name = _private_part(path, content + "\n")
    try:
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        os.unlink(name)


def replace_private(path: Path, content: str) -> None:
    """Let `path` hold `content` from now on, wholly and with mode 0600."""
    os.replace(_private_part(path, content), path)


def _private_part(path: Path, content: str) -> str:
    """A new file beside `path`, of mode 0600, whose content is on the disk."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        os.unlink(name)
        raise
    return name


def broker_socket(data_directory: Path) -> Path:
    """The unix socket of the embedded broker: the same for all processes of the site and this account.

    In the data directory, unless its path is too long for a socket's address.
    """
    path = data_directory / "broker.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(data_directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"batchyard-{os.getuid()}-{name}" / "broker.sock"
