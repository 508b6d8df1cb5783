"""Keeps a process from reaching what its users must not reach by it. For processes of its own: it cannot be undone.

Addresses of services come from anybody with an account, and what they lead to is known only when a connection is
made: names resolve to anything, answers redirect to anywhere. So each connection of the process is looked at as it
is made (Python's audit events), and each file as it is opened.
"""

from __future__ import annotations

import ipaddress
import os
import sys
import threading
from collections.abc import Collection, Sequence
from typing import Any, Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CONNECTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
STARTS: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})
WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Programs, certificates, zones and types of files: what is the same on every machine.
READABLE: Final = (
    "/etc/ssl",
    "/etc/pki",
    "/usr/lib/ssl",
    "/usr/share",
    "/etc/mime.types",
    "/etc/localtime",
    "/dev/null",
)
# Ways in which an IPv6 address means an IPv4 address to those who pass it on.
TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")


class Forbidden(PermissionError):
    """What was tried is not for this process."""


class Guard:
    """Looks at what its process does. `networks` may be reached although they are not public."""

    def __init__(self, networks: Collection[Network], *, readable: Sequence[str]) -> None:
        self._networks = networks
        self._readable = tuple(os.path.realpath(path) for path in (*readable, *READABLE))
        self._refused = threading.local()

    def install(self) -> None:
        """From now on, for as long as the process lives."""
        sys.addaudithook(self._look)

    def forget(self) -> None:
        """Begin anew to note what this thread was refused."""
        self._refused.why = ""

    @property
    def refused(self) -> str:
        """The last thing that this thread was refused, in words."""
        return str(getattr(self._refused, "why", ""))

    def _look(self, event: str, told: tuple[Any, ...]) -> None:
        if event in CONNECTS:
            self._check_address(told[1])
        elif event == "open":
            self._check_file(told[0], told[1], told[2])
        elif event in STARTS:
            self._refuse("It would start another program.")

    def _check_address(self, address: object) -> None:
        if address is None:  # on a connection that was looked at when it was made
            return
        if not isinstance(address, tuple):
            self._refuse("It leads to a socket of this machine.")
            return
        try:
            found = ipaddress.ip_address(str(address[0]))
        except ValueError:
            self._refuse("It leads to a name that is looked up too late to be checked: write the address itself.")
            return
        if not may_reach(found, self._networks):
            self._refuse(f"{found} is not a public address, and BATCHYARD_NOTIFY_NETWORKS does not allow it.")

    def _check_file(self, path: object, mode: object, flags: object) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        if (isinstance(flags, int) and flags & WRITES) or (isinstance(mode, str) and set(mode) & set("wax+")):
            self._refuse("It would write a file.")
        real = os.path.realpath(os.fsdecode(path))
        if not any(real == root or real.startswith(f"{root}/") for root in self._readable):
            self._refuse("It would read a file of this machine.")

    def _refuse(self, why: str) -> None:
        self._refused.why = why
        raise Forbidden(why)


def may_reach(address: Address, networks: Collection[Network]) -> bool:
    """Whether `address` is a public one, or within `networks`."""
    meant = _meant(address)
    if any(meant.version == network.version and meant in network for network in networks):
        return True
    return meant.is_global and not meant.is_multicast and not meant.is_reserved


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address
