"""Runs that a resident keeps until the run before them has ended, and their recall on every kind of host."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.supervisor.records import LaunchKind, RunState, Started, Turn
from hosts.transports.base import TransportBroken
from hosts.transports.local import LocalTransport
from tests.hosts.site import Site, run_of, wait_until

LONG_SECONDS = 600.0


def begun(site: Site, name: str) -> Path:
    """A run that has begun and goes on until the file that is returned exists."""
    gate = site.directory / f"gate-{name}"
    site.launch(run_of(name, f"until [ -e {gate} ]; do sleep 0.02; done"))
    site.started(name)
    return gate


def follow(site: Site, name: str, *, after: str, patience_seconds: float = LONG_SECONDS) -> list[LaunchKind]:
    return site.launch(run_of(name, "exit 7", turn=Turn(after, patience_seconds)))


def is_there_afterwards(site: Site, name: str, *, gate: Path) -> bool:
    """Whether a run is there when the first, which waits for `gate`, has ended, and another one after that."""
    gate.touch()
    site.ended("first")
    site.run(run_of("last", "exit 0"))
    return site.look(name).state != RunState.ABSENT


def test_a_run_begins_when_the_one_before_it_has_ended(resident_site: Site) -> None:
    gate = begun(resident_site, "first")

    answer = follow(resident_site, "second", after="first")
    before = resident_site.look("second").state
    gate.touch()

    assert (answer, before) == ([LaunchKind.HELD], RunState.ABSENT)
    assert resident_site.ended("second").exit_code == 7
    told = [(type(record).__name__, record.name) for record in resident_site.records if hasattr(record, "name")]
    assert told == [("Started", "first"), ("Ended", "first"), ("Started", "second"), ("Ended", "second")]


def test_a_run_after_one_that_is_over_or_unknown_begins_at_once(resident_site: Site) -> None:
    begun(resident_site, "first").touch()
    resident_site.ended("first")

    assert follow(resident_site, "second", after="first") == [LaunchKind.STARTED]
    assert follow(resident_site, "third", after="nobody") == [LaunchKind.STARTED]


def test_both_can_come_in_one_order(resident_site: Site) -> None:
    first, second = run_of("first", "exit 1"), run_of("second", "exit 2", turn=Turn("first", LONG_SECONDS))

    resident_site.launch(first, second)

    assert [resident_site.ended(name).exit_code for name in ("first", "second")] == [1, 2]


def test_runs_can_wait_in_a_row(resident_site: Site) -> None:
    gate = begun(resident_site, "first")

    answers = follow(resident_site, "second", after="first") + follow(resident_site, "third", after="second")
    gate.touch()
    resident_site.ended("third")

    names = [record.name for record in resident_site.records if isinstance(record, Started)]
    assert (answers, names) == ([LaunchKind.HELD] * 2, ["first", "second", "third"])


def test_what_follows_a_run_that_is_called_off_does_not_begin(resident_site: Site) -> None:
    gate = begun(resident_site, "first")
    follow(resident_site, "second", after="first")
    follow(resident_site, "third", after="second")

    resident_site.supervisor.recall(["second"])

    assert not is_there_afterwards(resident_site, "third", gate=gate)


def test_a_run_whose_patience_is_over_never_begins(resident_site: Site) -> None:
    gate = begun(resident_site, "first")
    follow(resident_site, "second", after="first", patience_seconds=0)

    assert not is_there_afterwards(resident_site, "second", gate=gate)


def test_what_waits_is_forgotten_with_the_connection_that_asked_for_it(resident_site: Site) -> None:
    gate = begun(resident_site, "first")
    follow(resident_site, "second", after="first")
    resident_site.close()
    resident_site.open()

    assert not is_there_afterwards(resident_site, "second", gate=gate)


def test_a_run_after_one_that_another_process_looks_after_does_not_begin_beside_it(tmp_path: Path) -> None:
    one = Site(lambda: LocalTransport(tmp_path), directory=tmp_path / "base", has_resident=False)
    other = Site(lambda: LocalTransport(tmp_path), directory=tmp_path / "base")
    gate = begun(one, "first")

    assert follow(other, "second", after="first") == [LaunchKind.HELD]

    gate.touch()
    one.ended("first")
    assert other.look("second").state == RunState.ABSENT
    one.clear()
    other.clear()


def test_a_run_that_is_called_off_never_begins(resident_site: Site) -> None:
    gate = begun(resident_site, "first")
    follow(resident_site, "second", after="first")

    recalled = resident_site.supervisor.recall(["second"])

    assert recalled == {"second"}
    assert is_there_afterwards(resident_site, "second", gate=gate), "its gate is taken, so that none can start it"
    assert not [r for r in resident_site.records if isinstance(r, Started) and r.name == "second"]
    assert follow(resident_site, "second", after="first") == [LaunchKind.DUPLICATE]


def test_a_recall_tells_what_has_begun_and_may_be_repeated(site: Site) -> None:
    gate = begun(site, "runs")
    site.run(run_of("over", "exit 3"))

    first = site.supervisor.recall(["unknown", "runs", "over"])
    again = site.supervisor.recall(["unknown", "runs", "over"])

    assert first == again == {"unknown"}
    assert site.launch(run_of("unknown", "exit 0")) == [LaunchKind.DUPLICATE]
    gate.touch()
    assert site.ended("runs").exit_code == 0


def test_a_host_without_space_calls_nothing_off(small_disk_site: Site) -> None:
    fill = small_disk_site.directory / "fill"
    with pytest.raises(OSError, match="No space"):
        fill.write_bytes(b"x" * (1 << 20))

    with pytest.raises(TransportBroken, match="could not call off"):
        small_disk_site.supervisor.recall(["waiting"])

    fill.unlink()
    wait_until(lambda: small_disk_site.supervisor.recall(["waiting"]) == {"waiting"}, what="a recall with space")
