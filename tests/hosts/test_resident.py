from __future__ import annotations

import ast
import os
import resource
import signal
from pathlib import Path

import pytest

from hosts.supervisor import client, source
from hosts.supervisor.records import EndKind, LaunchKind, RunState
from hosts.transports.base import TransportBroken
from tests.hosts.site import Site, run_of, wait_until

OLDEST_PYTHON = (3, 8)


def launch_gated(site: Site, name: str, *, code: int) -> Path:
    """Starts a run that ends with `code` once the file that is returned exists."""
    gate = site.directory / f"gate-{name}"
    site.launch(run_of(name, f"until [ -e {gate} ]; do sleep 0.02; done; echo bye; exit {code}"))
    site.started(name)
    return gate


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_the_resident_asks_for_no_newer_python() -> None:
    assert ast.parse(source.RESIDENT, feature_version=OLDEST_PYTHON).body
    assert b"hosts.supervisor" not in source.RESIDENT


def test_runs_share_one_resident(resident_site: Site) -> None:
    site = resident_site
    gates = [launch_gated(site, f"run-{number}", code=0) for number in range(2)]
    site.open()
    gates.append(launch_gated(site, "of-another-connection", code=0))

    supervisors = {tuple(site.supervisors(name)) for name in ("run-0", "run-1", "of-another-connection")}

    assert len(supervisors) == 1
    for gate in gates:
        gate.touch()


def test_a_resident_that_is_killed_loses_no_end(resident_site: Site) -> None:
    site = resident_site
    first, second = launch_gated(site, "first", code=3), launch_gated(site, "second", code=4)
    site.launch(run_of("slow", "sleep 1000", time_limit_seconds=2, grace_seconds=1))
    site.started("slow")
    outliving, killed = site.supervisors("first")

    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not is_alive(killed), what="the resident's end")
    first.touch()
    with pytest.raises(TransportBroken):
        site.launch(run_of("later", "exit 5"))
    site.close()
    site.open()
    again = site.launch(run_of("later", "exit 5"))
    second.touch()

    assert again == [LaunchKind.STARTED]
    assert [site.ended(name).exit_code for name in ("first", "second", "later")] == [3, 4, 5]
    assert site.stdout("first") == b"bye\n"
    assert site.ended("slow").kind is EndKind.TIMED_OUT
    wait_until(lambda: not is_alive(outliving), what="the end of what outlived the resident")


def test_an_end_right_at_the_death_of_the_resident_is_not_lost(resident_site: Site) -> None:
    site = resident_site
    names = [f"run-{number}" for number in range(8)]
    gates = [launch_gated(site, name, code=number) for number, name in enumerate(names)]
    _, killed = site.supervisors("run-0")

    os.kill(killed, signal.SIGSTOP)
    for gate in gates:
        gate.touch()
    wait_until(
        lambda: not any(site.pids(name) for name in names), what="the end of the commands, which nobody has seen"
    )
    os.kill(killed, signal.SIGKILL)

    assert [site.ended(name).exit_code for name in names] == list(range(8))


def test_what_would_outlive_the_resident_may_be_killed(resident_site: Site) -> None:
    site = resident_site
    gate = launch_gated(site, "run", code=3)
    outliving, resident = site.supervisors("run")

    os.kill(outliving, signal.SIGKILL)
    wait_until(lambda: not list(site.directory.glob("supervisor-????????????????-*")), what="it is found no more")
    gate.touch()
    site.close()
    site.open()
    after = site.run(run_of("after", "exit 4"))

    assert site.ended("run").exit_code == 3
    assert after.exit_code == 4
    wait_until(lambda: not is_alive(resident), what="the end of the old resident")


def test_a_new_version_stands_beside_the_old_one(resident_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site = resident_site
    gate = launch_gated(site, "old", code=3)
    resident = site.supervisors("old")[1]
    site.close()

    monkeypatch.setattr(source, "NAME", "supervisor-of-tomorrow")
    monkeypatch.setattr(client, "_FILE", "supervisor-of-tomorrow.sh")
    site.open()
    new = launch_gated(site, "new", code=4)

    assert site.supervisors("new")[1] != resident
    assert site.look("old").state is RunState.RUNNING
    gate.touch()
    new.touch()
    assert (site.ended("old").exit_code, site.ended("new").exit_code) == (3, 4)


def test_a_resident_without_work_ends(resident_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site = resident_site
    site.close()
    impatient = source.RESIDENT.replace(b"IDLE_SECONDS = 20.0", b"IDLE_SECONDS = 0.1")
    monkeypatch.setattr(source, "RESIDENT", impatient)
    monkeypatch.setattr(source, "NAME", "supervisor-impatient")
    monkeypatch.setattr(client, "_FILE", "supervisor-impatient.sh")
    site.open()
    gate = launch_gated(site, "run", code=3)
    supervisors = site.supervisors("run")

    site.close()
    gate.touch()
    wait_until(lambda: not any(map(is_alive, supervisors)), what="the resident's end")
    site.open()

    assert site.ended("run").exit_code == 3
    assert site.run(run_of("after", "exit 4")).exit_code == 4


@pytest.mark.parametrize("text", ["exit 1", "echo noise; exit 0", "kill -KILL $$"])
def test_where_python_does_not_work_the_shell_launches(
    resident_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    site = resident_site
    site.close()
    program = tmp_path / "bin" / "python3"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    site.open()

    end = site.run(run_of("run", "exit 3"))

    assert (site.hello.has_python, site.hello.has_resident) == (True, False)
    assert end.exit_code == 3


def test_a_log_in_with_other_limits_gets_another_resident(resident_site: Site) -> None:
    site = resident_site
    gate = launch_gated(site, "before", code=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    site.close()

    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        site.open()
        end = site.run(run_of("after", "ulimit -n"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert end.exit_code == 0
    assert site.stdout("after") == b"512\n"
    gate.touch()
