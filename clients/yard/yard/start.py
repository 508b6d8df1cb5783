"""Where the program begins, so early that Ctrl-C ends it without a trace at every moment."""

from __future__ import annotations

import signal
import sys
from importlib import import_module


def main() -> None:
    """Run the command of `sys.argv`. Exits with its status."""
    # Until everything is imported, and again when all is said, there is nothing to be told about an interrupt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    run = import_module("yard.app").main
    signal.signal(signal.SIGINT, signal.default_int_handler)
    status = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(status)
