"""Other systems that run commands, measured beside ours in the same minutes on the same machine."""

from __future__ import annotations
