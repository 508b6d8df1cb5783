from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from hosts.supervisor.records import EndKind, RunState
from tests.hosts.site import Site, run_of, wait_until

# What only this process of the tests would sleep for.
UNMARKED = str(1_000_000 + os.getpid())
ESCAPES = """
trap '' TERM
setsid sleep 1000 &
(sleep 1001 &)
(setsid sh -c 'trap "" TERM; sleep 1002; sleep 1003' &)
env -i sleep UNMARKED &
sleep 1005; sleep 1006
""".replace("UNMARKED", UNMARKED)


def test_a_time_limit_ends_what_ignores_it(site: Site) -> None:
    end = site.run(run_of("slow", ESCAPES, time_limit_seconds=1, grace_seconds=1))

    assert end.kind is EndKind.TIMED_OUT
    assert site.killed("slow").is_gone
    assert not site.pids("slow")


def test_a_time_limit_ends_what_has_removed_its_own_directory(site: Site) -> None:
    vandal = f"rm -rf {site.directory}/runs/vandal; sleep 1000"

    end = site.run(run_of("vandal", vandal, time_limit_seconds=1, grace_seconds=1))

    assert not end.has_record
    assert site.killed("vandal").is_gone


def test_a_time_limit_leaves_nothing_behind_when_the_run_ends_before(site: Site) -> None:
    end = site.run(run_of("quick", "exit 4", time_limit_seconds=int(UNMARKED)))

    assert end.exit_code == 4
    wait_until(lambda: not _processes_with(UNMARKED), what="the end of the watcher's sleep")


def _processes_with(word: str) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in place.read_bytes().split(b"\0"):
                found.append(place.parent.name)
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


@pytest.mark.parametrize("grace", [None, timedelta(seconds=1)], ids=["at once", "after a grace"])
@pytest.mark.parametrize("has_gnu_grep", [True, False], ids=["GNU grep", "without it"])
def test_a_kill_leaves_no_process(site: Site, grace: timedelta | None, has_gnu_grep: bool) -> None:
    if not has_gnu_grep:
        site.shell.ask(b"by_has_grep_z=0", timeout_seconds=5)
    site.launch(run_of("tree", ESCAPES), run_of("tree.other", "sleep 1007"))
    wait_until(lambda: len(site.pids("tree")) >= 5, what="the whole tree")
    wait_until(lambda: len(site.pids("tree.other")) == 2, what="the other run")

    site.supervisor.kill(["tree"], grace=grace)

    assert site.killed("tree").is_gone
    assert not site.pids("tree")
    assert len(site.pids("tree.other")) == 2
    assert site.ended("tree").signal == signal.SIGKILL
    assert not _processes_with(UNMARKED)


def test_a_kill_asks_first(site: Site) -> None:
    site.launch(run_of("polite", "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done"))
    site.started("polite")
    wait_until(lambda: site.stdout("polite"), what="the trap")

    site.supervisor.kill(["polite"], grace=timedelta(seconds=10))

    assert site.killed("polite").is_gone
    assert site.ended("polite").exit_code == 5
    assert site.stdout("polite") == b"up\nbye\n"


def test_a_kill_does_not_hold_up_the_next_request(site: Site) -> None:
    site.launch(run_of("stubborn", "trap '' TERM; while :; do sleep 0.1; done"))
    site.started("stubborn")

    begin = time.monotonic()
    site.supervisor.kill(["stubborn"], grace=timedelta(seconds=5))
    state = site.look("stubborn").state

    assert state is RunState.RUNNING
    assert time.monotonic() - begin < 2


def test_a_kill_right_after_the_launch_finds_the_run(site: Site) -> None:
    site.launch(run_of("early", "sleep 1000"))

    site.supervisor.kill(["early"], grace=None)

    assert site.killed("early").is_gone
    assert site.ended("early").signal == signal.SIGKILL


def test_a_paused_run_stands_still_until_it_is_resumed(site: Site) -> None:
    site.launch(run_of("beat", "(setsid sh -c 'while :; do echo x; sleep 0.02; done' &) ; sleep 1000"))
    site.started("beat")
    wait_until(lambda: site.stdout("beat"), what="the first beat")

    frozen = site.supervisor.pause(["beat"])["beat"]
    size = len(site.stdout("beat"))
    states = {Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] for pid in site.pids("beat")}
    later = len(site.stdout("beat"))
    thawed = site.supervisor.resume(["beat"])["beat"]

    assert frozen >= 2
    assert states == {"T"}
    assert later == size
    assert thawed == frozen
    wait_until(lambda: len(site.stdout("beat")) > size, what="the next beat")


def test_a_paused_run_can_be_cancelled(site: Site) -> None:
    site.launch(run_of("frozen", "trap 'exit 6' TERM; while :; do sleep 0.05; done"))
    site.started("frozen")
    wait_until(lambda: site.supervisor.pause(["frozen"])["frozen"], what="the freeze")

    site.supervisor.kill(["frozen"], grace=timedelta(seconds=10))

    assert site.killed("frozen").is_gone
    assert site.ended("frozen").kind in {EndKind.EXITED, EndKind.SIGNALLED}
