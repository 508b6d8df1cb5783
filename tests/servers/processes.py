"""What is asked of processes that may end at any moment, between finding one and asking it as well."""

from __future__ import annotations

import psutil


def command_line(process: psutil.Process) -> str:
    """Its program and arguments; empty for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def has_ended(process: psutil.Process) -> bool:
    """Whether it is gone, or waits only for its parent to be told."""
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
