from __future__ import annotations

from tests.servers.sshd import shared_sshd

__all__ = ["shared_sshd"]
