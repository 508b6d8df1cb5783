from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

import pytest

from hosts.supervisor.records import LaunchKind, RunState, Sizes
from tests.hosts.site import Site, run_of, wait_until


def edit_run(site: Site, name: str, *, line: int, text: str) -> None:
    """Writes another line into a run's record, as if its history had been another one."""
    path = site.directory / "runs" / name / "run"
    lines = path.read_text().splitlines()
    lines[line] = text
    path.write_text("\n".join(lines) + "\n")


def open_slot(uptime: int = 1) -> str:
    return f"open {uptime}".ljust(62) + "."


def test_a_supervisor_that_died_is_told_from_a_lost_run(site: Site) -> None:
    site.launch(run_of("orphan", "sleep 1000"))
    pid = site.started("orphan").pid

    for supervisor in site.supervisors("orphan"):
        os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: site.look("orphan").state is not RunState.RUNNING, what="the supervisor's end")
    orphan = site.look("orphan")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: site.look("orphan").state is not RunState.SUPERVISOR_DIED, what="the command's end")

    assert (orphan.state, orphan.pid) == (RunState.SUPERVISOR_DIED, pid)
    assert site.look("orphan").state is RunState.LOST


def test_a_process_number_in_use_again_is_not_taken_for_the_run(site: Site) -> None:
    site.run(run_of("reused", "exit 0"))
    pid, start, boot, _ = (site.directory / "runs/reused/run").read_text().splitlines()[1].split()
    edit_run(site, "reused", line=0, text=open_slot())
    edit_run(site, "reused", line=1, text=f"{os.getpid()} {start} {boot} {pid}")

    site.supervisor.kill(["reused"], grace=None)

    assert site.killed("reused").is_gone
    assert site.look("reused").state is RunState.LOST
    assert pid != str(os.getpid())


def test_a_look_at_an_ended_run_tells_when_it_began(site: Site) -> None:
    site.run(run_of("begun", "exit 0"))
    site.run(run_of("refused", "exit 0", directory="/not/there"))

    assert site.look("begun").start_ticks == site.started("begun").start_ticks
    assert site.look("refused").start_ticks is None


def test_a_reboot_is_told(site: Site) -> None:
    site.run(run_of("before", "exit 0"))
    words = (site.directory / "runs/before/run").read_text().splitlines()[1].split()
    edit_run(site, "before", line=0, text=open_slot())
    edit_run(site, "before", line=1, text=f"{words[0]} {words[1]} 11111111-2222-3333-4444-555555555555 {words[3]}")

    site.supervisor.kill(["before"], grace=None)

    assert site.look("before").state is RunState.REBOOTED
    assert site.killed("before").is_gone


@pytest.mark.parametrize(("age", "may_start"), [pytest.param(0, True, id="young"), pytest.param(6000, False, id="old")])
def test_a_claimed_run_may_start_for_a_while_only(site: Site, age: int, may_start: bool) -> None:
    now = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100)
    directory = site.directory / "runs/claimed"
    directory.mkdir()
    (directory / "run").write_text(open_slot(now - age) + "\n")

    look = site.look("claimed")

    assert (look.state, look.may_start) == (RunState.CLAIMED, may_start)
    assert site.launch(run_of("claimed", "exit 0")) == [LaunchKind.DUPLICATE]


def test_a_run_that_was_about_to_begin_is_never_begun_again(site: Site) -> None:
    site.run(run_of("between", "exit 0"))
    boot = (site.directory / "runs/between/run").read_text().splitlines()[1].split()[2]
    edit_run(site, "between", line=0, text=open_slot(int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100)))

    edit_run(site, "between", line=1, text=f"0 {1 << 40} {boot} {os.getpid()}")
    alive = site.look("between")
    edit_run(site, "between", line=1, text=f"0 0 {boot} {os.getpid()}")
    dead = site.look("between")

    assert (alive.state, alive.may_start) == (RunState.CLAIMED, True)
    assert dead.state is RunState.LOST
    assert site.launch(run_of("between", "exit 0")) == [LaunchKind.DUPLICATE]


@pytest.mark.parametrize("text", ["", "\n", "exited 0 12", "nonsense .", "exited x y z ."])
def test_a_record_that_cannot_be_read_is_garbled(site: Site, text: str) -> None:
    directory = site.directory / "runs/torn"
    directory.mkdir()
    (directory / "run").write_text(text)

    assert site.look("torn").state is RunState.GARBLED


def test_a_run_nobody_made_is_absent(site: Site) -> None:
    assert site.look("nobody").state is RunState.ABSENT


def test_a_command_that_removes_its_own_directory_is_told_apart(site: Site) -> None:
    end = site.run(run_of("vandal", f"rm -rf {site.directory}/runs/vandal; exit 0"))

    assert not end.has_record
    assert site.look("vandal").state is RunState.ABSENT


def test_sizes_name_what_changed(site: Site) -> None:
    site.launch(run_of("loud", "printf 12345; printf 123 >&2; sleep 1000"), run_of("silent", "sleep 1000"))
    site.started("loud")
    site.started("silent")
    wait_until(lambda: site.stderr("loud"), what="its output")
    old = time.time() - 3600
    os.utime(site.directory / "runs/silent/stdout", (old, old))
    os.utime(site.directory / "runs/silent/stderr", (old, old))

    changed = site.supervisor.sizes(["loud", "silent", "absent"])
    every = site.supervisor.sizes(["loud", "silent", "absent"], changed_within_minutes=None)

    assert changed == {"loud": Sizes(5, 3)}
    assert every == {"loud": Sizes(5, 3), "silent": Sizes(0, 0)}


@pytest.mark.meets("BD-31")
def test_dropped_runs_are_gone(site: Site) -> None:
    site.run(run_of("gone", "echo x"))

    site.supervisor.drop(["gone", "never-was"])

    assert site.look("gone").state is RunState.ABSENT
    assert not (site.directory / "runs/gone").exists()


def test_old_runs_are_those_that_ended_long_ago(site: Site) -> None:
    for name in ("ended-now", "ended-then", "rebooted"):
        site.run(run_of(name, "exit 0"))
    site.launch(run_of("runs", "sleep 1000"))
    site.started("runs")
    long_ago = time.time() - 7200
    for name in ("ended-now", "ended-then", "rebooted", "runs"):
        os.utime(site.directory / "runs" / name, (long_ago, long_ago))
    edit_run(site, "ended-then", line=0, text="exited 0 1 -".ljust(62) + ".")
    words = (site.directory / "runs/rebooted/run").read_text().splitlines()[1].split()
    edit_run(site, "rebooted", line=1, text=f"{words[0]} {words[1]} 11111111-2222-3333-4444-555555555555 {words[3]}")

    old = site.supervisor.old(older_than=timedelta(minutes=1))

    assert set(old) == {"ended-then", "rebooted"}


def test_a_consumed_journal_begins_anew(site: Site) -> None:
    site.run(run_of("first", "exit 0"))
    consumed_bytes = site.transport.size(site.supervisor.journal_path)

    too_small = site.supervisor.rotate(consumed_bytes=consumed_bytes)
    not_all = site.supervisor.rotate(consumed_bytes=consumed_bytes - 1, at_least_bytes=1)
    rotated = site.supervisor.rotate(consumed_bytes=consumed_bytes, at_least_bytes=1)

    assert (too_small, not_all, rotated) == (None, None, b"")
    assert site.transport.size(site.supervisor.journal_path) == 0
    assert (site.directory / "journal.1").stat().st_size == consumed_bytes
