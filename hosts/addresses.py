"""What may stand as the address of a host. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

LIMIT: Final = 253
LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# An address that ends in a number is read as IPv4 by every resolver, in spellings that people do not expect.
NUMERIC: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def address_problem(address: str) -> str | None:
    """What is wrong with a host name or IP address, as a sentence; None if it is one."""
    shown = repr(address[:80])
    if "@" in address:
        return f"{shown} holds a user; write that in the field for the user."
    if not address.isascii():
        return f"{shown} is not ASCII; write an international name in its xn-- form."
    if address.count(":") == 1 or address.startswith("["):
        return f"{shown} holds a port or brackets; write the bare address, the port in its own field."
    if ":" in address:
        return _ip_problem(address)
    if NUMERIC.fullmatch(address.rpartition(".")[2]):
        return _ip_problem(address)
    labels = address.removesuffix(".").split(".")
    if len(address) > LIMIT or not all(LABEL.fullmatch(label) for label in labels):
        return f"{shown} is not a host name or IP address."
    return None


def _ip_problem(address: str) -> str | None:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return f"{address[:80]!r} is not an IP address; write IPv4 as four decimal numbers, IPv6 without brackets."
    is_odd = ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback)
    if is_odd or "%" in address:
        return f"{address[:80]!r} is an address that no machine has for others (link-local, multicast or reserved)."
    return None
