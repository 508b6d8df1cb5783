"""Texts that people or accidents write, and what is made of them. The numbers are those of the list of bad input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.config.text.reading import DEPTH_LIMIT, SIZE_LIMIT_BYTES, read_file, read_text
from jobs.problems import Problem, Problems
from tests.architecture.sources import ROOT

GOOD = "queues:\n  - name: nightly\n    title: 'Nächte'\n  - name: days\nhosts: []\n"


def said(text: str) -> Any:
    return read_text(text.encode(), name="site.yaml").value


def refusal(text: str | bytes) -> str:
    with pytest.raises(Problems) as caught:
        read_text(text if isinstance(text, bytes) else text.encode(), name="site.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        pytest.param("a:\n\tb: 1", 2, "not YAML", id="198 a tab that indents"),
        pytest.param("a: 1\nb: 2\na: 3", 3, '"a" stands twice', id="199 a key twice"),
        pytest.param("a:\n  b: 1\n  b: 1", 3, '"b" stands twice', id="199 a key twice further in"),
        pytest.param("a: &x 1\nb: *x", 1, "Anchors and aliases", id="200 an anchor"),
        pytest.param("a: &x [1]\nb: &y [*x,*x]", 1, "Anchors and aliases", id="200 a bomb"),
        pytest.param("a: !!python/object/apply:os.system [id]", 1, "Tags", id="201 a tag that executes"),
        pytest.param("a: !include /etc/passwd", 1, "Tags", id="212 an include"),
        pytest.param("a: &a\n  <<: *a", 1, "Anchors and aliases", id="202 a merge that goes round"),
        pytest.param("a: 1\n---\nb: 2", 2, "second document", id="206 two documents"),
        pytest.param("", 1, "holds nothing", id="207 empty"),
        pytest.param("# a\n# b\n", 1, "holds nothing", id="207 comments"),
        pytest.param(b"a: 1\nb: \xe9", 2, "not UTF-8", id="209 Latin-1"),
        pytest.param("a: 1\nb: \0", 2, "cannot stand here", id="209 NUL"),
        pytest.param('a: "\\0"', 1, "no character", id="209 NUL by an escape"),
        pytest.param('a: "\\ud800"', 1, "no character", id="209 half a character"),
        pytest.param("[" * (DEPTH_LIMIT + 1), 1, "nested", id="deep"),
        pytest.param("? [a]\n: b", 1, "A key is a text", id="a key that is a list"),
        pytest.param("a: 'b", 1, "not YAML", id="215 cut off"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str | bytes, line: int, told: str) -> None:
    message = refusal(text)

    assert message.startswith(f"site.yaml:{line}: "), message
    assert told in message


def test_208_what_is_too_large_is_refused_before_it_is_read() -> None:
    assert "larger than" in refusal(b"a" * (SIZE_LIMIT_BYTES + 1))


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((word, word) for word in ("yes", "no", "on", "off", "NO", "y", "12:30:00", "1:2", "1e3", "0o7", "0x1F", "1_0",
                                    "007", "+1", "1.0", ".inf", "2026-01-01", "=", "<<")),
        ("true", True), ("False", False), ("~", None), ("null", None), ("", None), ("5", 5), ("-7", -7), ("0", 0),
        ("'5'", "5"), ('"true"', "true"), ("''", ""),
    ],
)  # fmt: skip
def test_203_204_205_a_word_is_what_it_looks_like(word: str, value: object) -> None:
    found = said(f"a: {word}")["a"]

    assert (found, type(found)) == (value, type(value))


def test_209_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert read_text(b"\xef\xbb\xbfa: 1", name="x").value == {"a": 1}


def test_a_problem_is_told_with_the_line_of_the_nearest_part() -> None:
    document = read_text(GOOD.encode(), name="site.yaml")

    lines = {
        place: document.told(Problem("x", "Wrong.", place)).message.split(":")[1]
        for place in ("queues[0].title", "queues[1]", "queues[1].enabled", "queues[1].params[3].x", "hosts", "other")
    }

    assert list(lines.values()) == ["3", "4", "4", "4", "5", "1"]


def is_read_or_refused(data: bytes) -> bool:
    try:
        return read_text(data, name="x").value is not None
    except Problems as refused:
        return str(refused).startswith("x:")


@given(st.integers(0, len(GOOD.encode())))
def test_215_a_text_cut_anywhere_is_read_or_refused(at: int) -> None:
    assert is_read_or_refused(GOOD.encode()[:at])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert is_read_or_refused(data)


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"gone\.yaml: No such file"):
        read_file(tmp_path / "gone.yaml")
    os.symlink("loop.yaml", tmp_path / "loop.yaml")
    with pytest.raises(Problems, match=r"loop\.yaml: Too many levels"):
        read_file(tmp_path / "loop.yaml")


def test_a_site_that_reads_no_files_does_not_load_their_shapes(tmp_path: Path) -> None:
    program = "import django, sys; django.setup(); import scheduler_site.urls; print('pydantic' in sys.modules)"
    environment = {"DJANGO_SETTINGS_MODULE": "scheduler_site.settings", "BATCHYARD_DATA_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert done.stdout == "False\n"
