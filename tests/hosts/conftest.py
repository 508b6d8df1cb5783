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

KINDS = ("dash", "busybox", "ssh")


@pytest.fixture(params=KINDS)
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Transport]:
    """Connects to a host, anew with each call: this machine under two shells, and a real sshd."""
    if request.param == "dash":
        return lambda: LocalTransport(tmp_path, shell=("dash",))
    if request.param == "busybox":
        return lambda: LocalTransport(tmp_path, shell=("busybox", "sh"))
    server: Sshd = request.getfixturevalue("shared_sshd")
    return lambda: SshTransport.connect(server.address)


@pytest.fixture
def site(connect: Callable[[], Transport], tmp_path: Path) -> Iterator[Site]:
    """A host with a supervisor in a directory of the test's own. What it started has ended afterwards."""
    site = Site(connect, directory=tmp_path / "base")
    yield site
    site.clear()


@pytest.fixture
def small_disk_site(connect: Callable[[], Transport], tmp_path: Path) -> Iterator[Site]:
    """As `site`, on a file system of half a megabyte."""
    directory = tmp_path / "disk"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(directory)], check=True)
    try:
        site = Site(connect, directory=directory)
        yield site
        site.clear()
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
