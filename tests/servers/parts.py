"""Finds the real programs that tests drive. In CI a missing one fails the test; elsewhere it is a named skip."""

from __future__ import annotations

import glob
import os
import shutil
import threading
import time
from collections.abc import Callable
from typing import NoReturn

import pytest

ALSO_LOOK_IN = ["/usr/sbin", "/sbin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]


def program(name: str) -> str:
    """The path of the program `name`."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *ALSO_LOOK_IN])
    return shutil.which(name, path=path) or missing(name)


def missing(part: str) -> NoReturn:
    """Skip the test for want of `part`; fail it under CI, where every part has to be there."""
    message = f"{part} is missing here. system-packages.txt lists what tests drive; `make test` as root installs it."
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def wait_until(is_so: Callable[[], bool], *, what: str, seconds: float = 20.0) -> None:
    """Return as soon as `is_so()`. Fails the test, naming `what`, if that takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"Not within {seconds:g} s: {what}")
        pause.wait(0.02)
