"""Sites of real processes, with hosts of this machine and of real sshds."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scenarios.beginning import begin
from tests.scenarios.site import SiteUnderTest
from tests.servers.sshd import Sshd, shared_sshd, sshd

__all__ = ["shared_sshd", "sshd"]


@contextmanager
def running_site(**environment: str) -> Iterator[SiteUnderTest]:
    """A site that is up, in a directory that goes with it."""
    with tempfile.TemporaryDirectory(prefix="by-site-", ignore_cleanup_errors=True) as directory:
        site = SiteUnderTest(Path(directory), environment)
        try:
            begin(site)
            site.start()
            yield site
        finally:
            site.kill()


def add_ssh_host(site: SiteUnderTest, sshd: Sshd, *, name: str, seats: int = 4, **fields: object) -> None:
    """Make `sshd` a host of the site, with its key pinned."""
    keys = site.directory / "var" / "keys"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(sshd.client_key, keys / name)
    (keys / name).chmod(0o600)
    site.post(
        "hosts",
        {
            "name": name, "transport": "ssh", "address": "127.0.0.1", "port": sshd.port, "user": sshd.user,
            "key": name, "host_keys": [sshd.host_key_text.strip()], "seats": seats,
            "directory": str(site.directory / f"host-{name}"), **fields,
        },
    )  # fmt: skip


@pytest.fixture
def site() -> Iterator[SiteUnderTest]:
    """A site of the test's own, to be killed."""
    with running_site() as site:
        yield site


@pytest.fixture(scope="package")
def shared_site(shared_sshd: Sshd) -> Iterator[SiteUnderTest]:
    """One site for all scenarios that do it no harm, with the SSH host `far`."""
    with running_site() as site:
        add_ssh_host(site, shared_sshd, name="far", seats=8)
        yield site
