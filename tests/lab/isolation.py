"""Puts the lab into namespaces of its own: nothing of it can be reached from outside, and all of it ends with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Final

INSIDE: Final = "BATCHYARD_LAB"
PROGRAMS: Final = ("unshare", "nsenter", "ip", "nft", "tc", "prlimit", "setpriv", "sshd", "ssh-keygen", "mount", "gcc")
OPTIONS: Final = ("--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc")
SEARCHED: Final = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def missing_part() -> str:
    """What the lab needs and this machine does not give; "" if all is there."""
    if os.geteuid() != 0:
        return "root (the lab makes namespaces)"
    for program in PROGRAMS:
        if shutil.which(program, path=SEARCHED) is None:
            return f"the program {program}"
    tried = subprocess.run(["unshare", *OPTIONS, "true"], capture_output=True, text=True, check=False)
    return f"the right to make namespaces ({tried.stderr.strip()})" if tried.returncode else ""


def is_inside() -> bool:
    """Whether this process is in the lab's namespaces already."""
    return INSIDE in os.environ


def go_inside(*arguments: str, module: str = "tests.lab") -> int:
    """Run `python -m MODULE` with `arguments` in new namespaces. Its exit status.

    They are namespaces of processes as well: when the first process in them ends, however it does, so do all others.
    """
    environment = {**os.environ, INSIDE: "1", "PATH": SEARCHED}
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        *OPTIONS,
        "--propagation",
        "private",
        sys.executable,
        "-m",
        module,
        *arguments,
    ]
    driver = subprocess.Popen(command, env=environment)
    while True:
        try:
            return driver.wait()
        except KeyboardInterrupt:
            # The terminal tells both; it heals and takes down what it has made, and we wait for that.
            continue


def prepare() -> None:
    """Make the namespaces usable: an address to talk to oneself, a name, a temporary directory that counts."""
    for command in (["ip", "link", "set", "lo", "up"], ["hostname", "controller"]):
        subprocess.run(command, check=True)
