from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hosts.transports.base import Transport
from hosts.transports.local import LocalTransport
from hosts.transports.ssh import SshTransport
from tests.hosts.site import Site
from tests.servers.sshd import Sshd, shared_sshd, sshd

__all__ = ["shared_sshd", "sshd"]

SHELLS = {"dash": ("dash",), "busybox": ("busybox", "sh"), "bash": ("bash", "--posix")}
# Each shell that launches by itself; and the resident, beside a shell here and over SSH.
SUPERVISORS = ("dash", "busybox", "bash", "python", "ssh")


@pytest.fixture(params=("dash", "busybox", "ssh"))
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Transport]:
    """Connects to a host, anew with each call: this machine under two shells, and a real sshd."""
    return connection_to(request, kind=request.param, directory=tmp_path)


def connection_to(request: pytest.FixtureRequest, *, kind: str, directory: Path) -> Callable[[], Transport]:
    if kind == "ssh":
        server: Sshd = request.getfixturevalue("shared_sshd")
        return lambda: SshTransport.connect(server.address)
    return lambda: LocalTransport(directory, shell=SHELLS.get(kind, ("sh",)))


@pytest.fixture(params=SUPERVISORS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A host with a supervisor in a directory of the test's own. What it started has ended afterwards."""
    site = made_site(request, directory=tmp_path / "base")
    yield site
    site.clear()


def made_site(request: pytest.FixtureRequest, *, directory: Path) -> Site:
    kind: str = request.param
    connect = connection_to(request, kind=kind, directory=directory.parent)
    return Site(connect, directory=directory, has_resident=kind not in SHELLS)


@pytest.fixture
def resident_site(tmp_path: Path) -> Iterator[Site]:
    """This machine, where the resident launches."""
    site = Site(lambda: LocalTransport(tmp_path), directory=tmp_path / "base", has_resident=True)
    yield site
    site.clear()


@pytest.fixture(params=SUPERVISORS)
def small_disk_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """As `site`, on a file system of half a megabyte."""
    directory = tmp_path / "disk"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(directory)], check=True)
    try:
        site = made_site(request, directory=directory)
        yield site
        site.clear()
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
