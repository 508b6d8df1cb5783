"""Short runs follow each other on their host without waiting for the engine; what waits there can be called off."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.scenarios.conftest import add_ssh_host
from tests.scenarios.site import SiteUnderTest, until
from tests.servers.sshd import Sshd

pytestmark = pytest.mark.scenario

SHORT = 40
SEATS = 2
TRIES = 5


@pytest.fixture
def queue(shared_site: SiteUnderTest, shared_sshd: Sshd, request: pytest.FixtureRequest) -> str:
    """A queue with a host of its own that has two seats."""
    name = f"ahead-{request.node.name.partition('_')[2][:20]}"
    add_ssh_host(shared_site, shared_sshd, name=name, seats=SEATS)
    shared_site.post("queues", {"name": name, "host": name})
    return name


def submitted(site: SiteUnderTest, queue: str, commands: list[str]) -> list[int]:
    return site.submit_many([{"queue": queue, "type": "command", "params": {"command": each}} for each in commands])


def have_phase(site: SiteUnderTest, numbers: list[int], phase: str) -> bool:
    """Whether the last attempt of each is there."""
    attempts = [site.job(number)["attempts"] for number in numbers]
    return all(found and found[-1]["phase"] == phase for found in attempts)


def behind_long_runs(site: SiteUnderTest, queue: str, command: str, *, gate: Path) -> tuple[list[int], list[int]]:
    """Jobs that the host keeps behind runs which go on until `gate` exists: all ids, and theirs.

    Whether they are handed ahead depends on how short the runs before were, so on what else the machine does.
    """
    waiting = f"until [ -e {gate} ]; do sleep 0.05; done"
    for _ in range(TRIES):
        gate.unlink(missing_ok=True)
        ids = submitted(site, queue, ["true"] * SHORT + [waiting] * SEATS + [command] * SEATS)
        long, behind = ids[SHORT:-SEATS], ids[-SEATS:]
        until(partial(have_phase, site, long, "running"), seconds=30, what="they run")
        if have_phase(site, behind, "next_on_host"):
            return ids, behind
        gate.touch()
        site.finished(ids, seconds=30)
    raise AssertionError(f"In {TRIES} tries nothing was handed ahead.")


def test_a_job_behind_a_run_that_goes_on_is_called_off(shared_site: SiteUnderTest, queue: str, tmp_path: Path) -> None:
    site, gate, log = shared_site, tmp_path / "gate", tmp_path / "log"

    ids, (cancelled, recalled) = behind_long_runs(site, queue, f"echo $BATCHYARD_JOB >> {log}", gate=gate)
    log.unlink(missing_ok=True)
    assert site.call("POST", f"jobs/{cancelled}/cancel").status == 202
    [ended] = site.finished([cancelled], seconds=10)
    until(lambda: site.job(recalled)["state"] == "ready", seconds=20, what="it is back in line")
    ran_before = log.exists()
    gate.touch()
    jobs = site.finished(ids, seconds=30)

    assert (ended["state"], ran_before) == ("cancelled", False)
    assert {job["state"] for job in jobs if job["id"] != cancelled} == {"succeeded"}
    assert log.read_text().split() == [str(recalled)]
    assert [attempt["outcome"] for attempt in jobs[-1]["attempts"]] == ["recalled", "exited"]


def test_short_runs_never_pass_the_seats_and_each_begins_once(
    shared_site: SiteUnderTest, queue: str, tmp_path: Path
) -> None:
    site, log = shared_site, tmp_path / "log"
    command = f"echo begin $BATCHYARD_JOB >> {log}; sleep 0.02; echo end $BATCHYARD_JOB >> {log}"

    ids = submitted(site, queue, [command] * 100)
    jobs = site.finished(ids, seconds=60)

    lines = [line.split() for line in log.read_text().splitlines()]
    at_once = [sum(1 if word == "begin" else -1 for word, _ in lines[: n + 1]) for n in range(len(lines))]
    assert {job["state"] for job in jobs} == {"succeeded"}
    assert sorted(int(number) for word, number in lines if word == "begin") == sorted(ids)
    assert max(at_once) <= SEATS
    assert site.manage("shell", "-c", f"{COUNT_FOLLOWERS}({ids[0]}, {ids[-1]})").split()[-1] != "0"


COUNT_FOLLOWERS = (
    "from jobs.models import Attempt; f = lambda first, last: "
    "print(Attempt.objects.filter(job__pk__range=(first, last), after__isnull=False).count()); f"
)
