from __future__ import annotations

import hashlib
import re
from pathlib import Path

_HERE = Path(__file__).parent
_SHELL_PARTS = ("supervisor.sh", "signals.sh", "looking.sh")
_RESIDENT_PARTS = ("places.py", "clients.py", "reaper.py", "residing.py", "speaking.py")
_OWN_IMPORT = re.compile(r"^from (?:__future__|hosts\.[a-z.]+) import (?:\([^)]*\)|[^(\n]*)\n", re.MULTILINE)


def _resident() -> str:
    """The parts as one program: what a part imports from another one stands before it."""
    parts = [_OWN_IMPORT.sub("", (_HERE / "resident" / part).read_text()) for part in _RESIDENT_PARTS]
    return "from __future__ import annotations\n" + "\n".join(parts)


SHELL = b"\n".join((_HERE / part).read_bytes() for part in _SHELL_PARTS)
RESIDENT = _resident().encode()
# The texts' own digest is their name on the host: another version stands beside it, and runs of both go on.
NAME = f"supervisor-{hashlib.sha256(SHELL + RESIDENT).hexdigest()[:16]}"
