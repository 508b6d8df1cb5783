"""The command tells every figure, and every figure that it could not take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.catalogue import Measure
from bench.rows import NotMeasured, NotPossible, Plan, Row, at_most


def slow(plan: Plan) -> list[Row]:
    return [Row(what="slow", value=plan.count(9, quick=3), unit="ms", mark=at_most(1))]


def broken(plan: Plan) -> list[Row]:
    raise NotMeasured("the site ended")


def impossible(plan: Plan) -> list[Row]:
    raise NotPossible("no sshd")


def run(tmp_path: Path, *words: str, **measures: Measure) -> int:
    told = ["--json", str(tmp_path / "bench.json"), "--directory", str(tmp_path), *words]
    return main(told, measures=measures)


def test_a_mark_that_is_missed_is_a_figure_and_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(tmp_path, slow=slow)

    assert status == 0
    assert "slow   9.00  ms          ≤ 1         no" in capsys.readouterr().out


def test_a_measurement_that_fails_tells_why_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(tmp_path, broken=broken, slow=slow)

    told = capsys.readouterr().out
    assert status == 1
    assert "broken failed: NotMeasured: the site ended" in told
    assert "slow" in told


def test_what_the_machine_cannot_do_is_named_and_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(tmp_path, impossible=impossible)

    assert status == 0
    assert "impossible is not possible here: no sshd" in capsys.readouterr().out


def test_the_file_holds_the_machine_and_all_rows(tmp_path: Path) -> None:
    run(tmp_path, "--quick", slow=slow, broken=broken)

    told = json.loads((tmp_path / "bench.json").read_text())
    assert told["is_quick"] is True
    assert [row["value"] for row in told["rows"]] == [3]
    assert told["failed"] == {"broken": "NotMeasured: the site ended"}
    assert told["machine"]["inode_microseconds"] > 0
    assert told["machine"]["processors"] >= 1


def test_only_what_is_asked_for_is_measured(tmp_path: Path) -> None:
    assert run(tmp_path, "--only", "slow", slow=slow, broken=broken) == 0


def test_an_unknown_name_is_refused_with_what_is_possible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, "--only", "slwo", slow=slow)

    assert "slow" in capsys.readouterr().err
