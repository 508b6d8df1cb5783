"""Machines that run jobs: rows of the `hosts` app."""

from __future__ import annotations

from hosts.models.credential import Credential
from hosts.models.host import Host, HostState, TransportKind
from hosts.models.lease import Lease
from hosts.models.ownership import Ownership
from hosts.models.pool import Pool, PoolMember

__all__ = ["Credential", "Host", "HostState", "Lease", "Ownership", "Pool", "PoolMember", "TransportKind"]
