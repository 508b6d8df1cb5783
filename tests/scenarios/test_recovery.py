"""Whatever of ours is killed: what runs goes on, its results arrive, and nothing runs twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import add_ssh_host, running_site
from tests.scenarios.site import SiteUnderTest, until
from tests.servers.sshd import Sshd, make_key, running_sshd

pytestmark = [pytest.mark.scenario, pytest.mark.xdist_group("recovery")]

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


def submit_oracles(site: SiteUnderTest, directory: Path, *, hosts: list[str], each: int) -> list[int]:
    """Jobs that run until `directory` has a gate."""
    return site.submit_many(
        [
            {
                "queue": "default", "type": "command", "host": host,
                "params": {"command": oracle(directory, n * len(hosts) + m)},
            }
            for n in range(each)
            for m, host in enumerate(hosts)
        ]
    )  # fmt: skip


def check(site: SiteUnderTest, directory: Path, ids: list[int]) -> None:
    """Every true exit code, every byte of output, nothing begun twice."""
    for number, job in enumerate(site.finished(ids, seconds=60)):
        code = number % 7
        assert (job["state"], job["exit_code"]) == ("failed" if code else "succeeded", code)
        assert len(job["attempts"]) == 1
        stored = hashlib.sha256(site.output(job["id"])).hexdigest()
        assert stored == hashlib.sha256(expected_output(number)).hexdigest()
    assert sorted(begun(directory)) == sorted(f"start {number}" for number in ids)


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    yield from running_sshd()


@pytest.fixture(scope="module")
def site(sshd: Sshd) -> Iterator[SiteUnderTest]:
    """One site for all of these, as each of them shows that it goes on."""
    with running_site() as site:
        add_ssh_host(site, sshd, name="far")
        yield site


@pytest.fixture
def busy(site: SiteUnderTest, tmp_path: Path) -> list[int]:
    """Twenty jobs running: ten on this machine, ten over SSH."""
    for host in ("localhost", "far"):
        site.call("PATCH", f"hosts/{host}", {"seats": 10})
    ids = submit_oracles(site, tmp_path, hosts=["localhost", "far"], each=10)
    until(lambda: len(begun(tmp_path)) == 20, seconds=30, what="twenty jobs run")
    return ids


@pytest.mark.meets("BD-35")
def test_kill_of_everything_while_jobs_run_loses_and_doubles_nothing(
    site: SiteUnderTest, busy: list[int], tmp_path: Path
) -> None:
    site.kill()
    (tmp_path / "gate").touch()
    until(
        lambda: (tmp_path / "oracle.log").read_text().count("end ") == 20,
        seconds=30,
        what="the jobs end by themselves",
    )
    site.start()

    check(site, tmp_path, busy)


def test_a_cut_connection_loses_and_doubles_nothing(
    site: SiteUnderTest, sshd: Sshd, busy: list[int], tmp_path: Path
) -> None:
    sshd.drop_sessions()
    (tmp_path / "gate").touch()

    check(site, tmp_path, busy)


@pytest.mark.meets("BD-35")
def test_the_engine_alone_is_killed_and_comes_back_by_itself(
    site: SiteUnderTest, busy: list[int], tmp_path: Path
) -> None:
    site.kill(matching="engine")
    (tmp_path / "gate").touch()

    check(site, tmp_path, busy)


def phase(site: SiteUnderTest, job: int) -> str:
    attempts = site.job(job)["attempts"]
    return str(attempts[-1]["phase"]) if attempts else ""


def host_state(site: SiteUnderTest, name: str) -> str:
    return str(site.get(f"hosts/{name}")["state"])


def test_a_host_that_is_gone_is_shown_as_that_and_its_run_is_taken_up_again(
    site: SiteUnderTest, sshd: Sshd, tmp_path: Path
) -> None:
    site.call("PATCH", "hosts/far", {"seats": 1})
    [running] = submit_oracles(site, tmp_path, hosts=["far"], each=1)
    until(lambda: phase(site, running) == "running", seconds=20, what="it runs")
    waiting = site.submit("true", host="far")

    sshd.stop()
    until(lambda: phase(site, running) == "unreachable", seconds=30, what="the run is out of sight")
    kinds = {blocker["kind"] for blocker in site.get(f"jobs/{waiting}/explain")["blockers"]}
    (tmp_path / "gate").touch()
    sshd.start()

    assert "host_unreachable" in kinds
    check(site, tmp_path, [running])
    [after] = site.finished([waiting], seconds=40)
    assert (after["state"], len(after["attempts"])) == ("succeeded", 1)


def test_a_host_with_another_key_is_refused_until_the_new_key_is_accepted(
    site: SiteUnderTest, sshd: Sshd, tmp_path: Path
) -> None:
    add_ssh_host(site, sshd, name="farther")
    pinned = site.get("hosts/farther")["host_keys"]
    stranger = tmp_path / "stranger"
    make_key(stranger, kind="ed25519")
    site.call("PATCH", "hosts/farther", {"host_keys": [Path(f"{stranger}.pub").read_text().strip()]})

    job = site.submit("true", host="farther")
    until(lambda: host_state(site, "farther") == "unreachable", seconds=20, what="the key is refused")
    told = site.get("hosts/farther")["state_reason"]
    site.call("PATCH", "hosts/farther", {"host_keys": pinned})

    assert "SHA256:" in told
    [ended] = site.finished([job], seconds=60)
    assert ended["state"] == "succeeded"
