"""A virtual environment for each peer, kept in a cache directory: `python -m bench --peers` makes them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers.kinds import PEERS, Peer
from bench.rows import NotPossible


def place(name: str) -> Path:
    """Where the environment of a peer is or would be; another one for other packages."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(" ".join((sys.version, *PEERS[name].packages)).encode()).hexdigest()[:10]
    return cache / "batchyard-bench" / f"{name}-{digest}"


def programs_of(name: str) -> Path:
    """The directory of its programs. Raises NotPossible if it has not been made."""
    directory = place(name)
    if PEERS[name].packages and not (directory / "ready").exists():
        raise NotPossible(f"{', '.join(PEERS[name].packages)} is not installed. Install it: python -m bench --peers")
    return directory / "bin"


def install() -> None:
    """Make all environments that are missing. What cannot be made is told when it is to be measured."""
    for name, peer in PEERS.items():
        if peer.packages and not (place(name) / "ready").exists():
            sys.stderr.write(f"installing {', '.join(peer.packages)} into {place(name)}\n")
            _install(peer, place(name))


def _install(peer: Peer, directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
    pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    if subprocess.run([*pip, *peer.packages], check=False).returncode == 0:
        (directory / "ready").touch()
