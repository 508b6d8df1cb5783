"""Whatever of ours is killed: what runs goes on, its results arrive, and nothing runs twice."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.scenarios.conftest import add_ssh_host
from tests.scenarios.site import SiteUnderTest, until
from tests.servers.sshd import Sshd, make_key

pytestmark = pytest.mark.scenario

# Tells the world outside that it has begun, writes output that can be checked, ends with a code of its own.
ORACLE = """
echo "start $BATCHYARD_JOB" >> {log}
i=0; while [ $i -lt 200 ]; do echo "{n} line $i"; i=$((i+1)); done
while [ ! -e {gate} ]; do sleep 0.1; done
echo "{n} end"
echo "end $BATCHYARD_JOB" >> {log}
exit {code}
"""


def oracle(directory: Path, number: int) -> str:
    return ORACLE.format(log=directory / "oracle.log", gate=directory / "gate", n=number, code=number % 7)


def expected_output(number: int) -> bytes:
    lines = [f"{number} line {i}\n" for i in range(200)] + [f"{number} end\n"]
    return "".join(lines).encode()


def begun(directory: Path) -> list[str]:
    log = directory / "oracle.log"
    return [line for line in log.read_text().splitlines() if line.startswith("start")] if log.exists() else []


def submit_oracles(site: SiteUnderTest, *, hosts: list[str], each: int) -> list[int]:
    return site.submit_many(
        [
            {
                "queue": "default", "type": "command", "host": host,
                "params": {"command": oracle(site.directory, n * len(hosts) + m)},
            }
            for n in range(each)
            for m, host in enumerate(hosts)
        ]
    )  # fmt: skip


def check(site: SiteUnderTest, ids: list[int]) -> None:
    """Every true exit code, every byte of output, nothing begun twice."""
    for number, job in enumerate(site.finished(ids, seconds=60)):
        code = number % 7
        assert (job["state"], job["exit_code"]) == ("failed" if code else "succeeded", code)
        assert len(job["attempts"]) == 1
        stored = hashlib.sha256(site.output(job["id"])).hexdigest()
        assert stored == hashlib.sha256(expected_output(number)).hexdigest()
    assert sorted(begun(site.directory)) == sorted(f"start {number}" for number in ids)


@pytest.fixture
def busy_site(site: SiteUnderTest, sshd: Sshd) -> tuple[SiteUnderTest, list[int]]:
    """Twenty jobs running: ten on this machine, ten over SSH."""
    site.call("PATCH", "hosts/localhost", {"seats": 10})
    add_ssh_host(site, sshd, name="far", seats=10)
    ids = submit_oracles(site, hosts=["localhost", "far"], each=10)
    until(lambda: len(begun(site.directory)) == 20, seconds=30, what="twenty jobs run")
    return site, ids


@pytest.mark.meets("BD-35")
def test_kill_of_everything_while_jobs_run_loses_and_doubles_nothing(
    busy_site: tuple[SiteUnderTest, list[int]],
) -> None:
    site, ids = busy_site

    site.kill()
    (site.directory / "gate").touch()
    until(
        lambda: (site.directory / "oracle.log").read_text().count("end ") == 20,
        seconds=30,
        what="the jobs end by themselves",
    )
    site.start()

    check(site, ids)


def test_a_cut_connection_loses_and_doubles_nothing(busy_site: tuple[SiteUnderTest, list[int]], sshd: Sshd) -> None:
    site, ids = busy_site

    sshd.drop_sessions()
    (site.directory / "gate").touch()

    check(site, ids)


@pytest.mark.meets("BD-35")
def test_the_engine_alone_is_killed_and_comes_back_by_itself(busy_site: tuple[SiteUnderTest, list[int]]) -> None:
    site, ids = busy_site

    site.kill(matching="celery|worker")
    (site.directory / "gate").touch()

    check(site, ids)


def phase(site: SiteUnderTest, job: int) -> str:
    attempts = site.job(job)["attempts"]
    return str(attempts[-1]["phase"]) if attempts else ""


def host_state(site: SiteUnderTest, name: str) -> str:
    return str(site.get(f"hosts/{name}")["state"])


def test_a_host_that_is_gone_is_shown_as_that_and_its_run_is_taken_up_again(site: SiteUnderTest, sshd: Sshd) -> None:
    add_ssh_host(site, sshd, name="far", seats=1)
    [running] = submit_oracles(site, hosts=["far"], each=1)
    until(lambda: phase(site, running) == "running", seconds=20, what="it runs")
    waiting = site.submit("true", host="far")

    sshd.stop()
    until(lambda: phase(site, running) == "unreachable", seconds=30, what="the run is out of sight")
    kinds = {blocker["kind"] for blocker in site.get(f"jobs/{waiting}/explain")["blockers"]}
    (site.directory / "gate").touch()
    sshd.start()

    assert "host_unreachable" in kinds
    check(site, [running])
    [after] = site.finished([waiting], seconds=40)
    assert (after["state"], len(after["attempts"])) == ("succeeded", 1)


def test_a_host_with_another_key_is_refused_until_the_new_key_is_accepted(site: SiteUnderTest, sshd: Sshd) -> None:
    add_ssh_host(site, sshd, name="far")
    pinned = site.get("hosts/far")["host_keys"]
    stranger = site.directory / "stranger"
    make_key(stranger, kind="ed25519")
    site.call("PATCH", "hosts/far", {"host_keys": [Path(f"{stranger}.pub").read_text().strip()]})

    job = site.submit("true", host="far")
    until(lambda: host_state(site, "far") == "unreachable", seconds=20, what="the key is refused")
    told = site.get("hosts/far")["state_reason"]
    site.call("PATCH", "hosts/far", {"host_keys": pinned})

    assert "SHA256:" in told
    [ended] = site.finished([job], seconds=60)
    assert ended["state"] == "succeeded"
