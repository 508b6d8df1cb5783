from __future__ import annotations

import os
from pathlib import PurePath
from typing import TypeVar

AnyPath = TypeVar("AnyPath", bound=PurePath)


def part_of(path: AnyPath) -> AnyPath:
    """A name beside `path` that nobody else uses, for what is not complete yet."""
    return path.with_name(f".{path.name[:200]}.{os.urandom(6).hex()}.part")
