"""A host's startup commands: once after each boot, before its first job, and never a job without them."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import add_ssh_host
from tests.scenarios.site import SiteUnderTest, until
from tests.servers.sshd import Sshd

pytestmark = pytest.mark.scenario


def test_startup_commands_run_once_before_the_first_job(shared_site: SiteUnderTest, shared_sshd: Sshd) -> None:
    site, log = shared_site, shared_site.directory / "startup.log"
    add_ssh_host(site, shared_sshd, name="prepared", startup_commands=f"echo up >> {log}\nexit 0")

    for _ in range(2):
        job = site.submit(f"cat {log}", host="prepared")
        [ended] = site.finished([job], seconds=20)
        assert ended["state"] == "succeeded"

    assert site.output(job) == b"up\n"


def test_failing_startup_commands_keep_jobs_waiting_and_say_why(shared_site: SiteUnderTest, shared_sshd: Sshd) -> None:
    site, ready = shared_site, shared_site.directory / "disk-is-there"
    add_ssh_host(site, shared_sshd, name="unprepared", startup_commands=f"echo no disk; test -e {ready}")

    job = site.submit("true", host="unprepared")
    until(lambda: site.get("hosts/unprepared")["state"] == "unreachable", seconds=20, what="they fail")
    told = site.get("hosts/unprepared")["state_reason"]
    was_waiting = site.job(job)["state"] == "ready"
    ready.touch()

    assert "no disk" in told
    assert was_waiting
    [ended] = site.finished([job], seconds=40)
    assert ended["state"] == "succeeded"
