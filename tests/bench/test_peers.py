"""A peer that is there is measured with the same yardstick; one that is not is named with the way to get it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.peers import measure
from bench.peers.environments import place, programs_of
from bench.peers.kinds import PEERS
from bench.rows import NotPossible, Plan
from tests.docs.pages import ROOT


@pytest.mark.parametrize("name", [name for name, peer in PEERS.items() if peer.packages])
def test_a_peer_that_is_not_installed_is_named_with_the_way_to_get_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with pytest.raises(NotPossible, match=r"is not installed. Install it: python -m bench --peers"):
        programs_of(name)

    assert place(name).is_relative_to(tmp_path)


def test_a_program_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("bench.peers.servers.PLACES", ())

    with pytest.raises(NotPossible, match="tsp is not installed"):
        measure.measure(Plan(tmp_path, is_quick=True), name="tsp")


def test_a_peer_that_is_there_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("tsp") is None:
        pytest.skip("task-spooler is missing here; the bench itself names it then")

    told = ["--quick", "--only", "peer-tsp", "--json", str(tmp_path / "bench.json"), "--directory", str(tmp_path)]
    status = main(told)

    assert status == 0
    assert "peer: task-spooler: 200 × `true`" in capsys.readouterr().out
    assert [path for path in tmp_path.iterdir() if path.name != "bench.json"] == []


def test_the_page_about_performance_names_them_all() -> None:
    text = (ROOT / "docs" / "performance.md").read_text()

    assert [name for name in measure.MEASURES if name not in text] == []
