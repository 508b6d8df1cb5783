"""The command tells every figure, and every figure that it could not take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.catalogue import Measure
from bench.machine import remark
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
    assert all(told["inode_microseconds"][name] > 0 for name in ("slow", "broken"))
    assert told["machine"]["processors"] >= 1


def test_what_was_made_stays_until_all_is_measured_and_then_goes(tmp_path: Path) -> None:
    places: list[Path] = []

    def making(plan: Plan) -> list[Row]:
        assert all(place.exists() for place in places)
        places.append(plan.directory / f"made {len(places)}")
        places[-1].mkdir()
        return []

    run(tmp_path, first=making, second=making)

    assert len(places) == 2
    assert list(tmp_path.iterdir()) == [tmp_path / "bench.json"]


def test_dear_files_are_remarked_by_measurement() -> None:
    told = remark({"throughput": 184.2, "ssh": 30.0})

    assert "dear before throughput: up to 184" in told
    assert "ssh" not in told


def test_files_of_the_usual_price_are_not_worth_a_remark() -> None:
    assert remark({"throughput": 30.0}) == ""


def test_only_what_is_asked_for_is_measured(tmp_path: Path) -> None:
    assert run(tmp_path, "--only", "slow", slow=slow, broken=broken) == 0


def test_an_unknown_name_is_refused_with_what_is_possible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, "--only", "slwo", slow=slow)

    assert "slow" in capsys.readouterr().err
