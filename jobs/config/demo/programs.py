from __future__ import annotations

import os
import shutil


def path_of(name: str) -> str | None:
    """Where a program is that is on PATH or with the system's own; None if it is not installed."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))
