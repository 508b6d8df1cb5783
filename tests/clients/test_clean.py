from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yard.clean import CONTROL, Cleaner, one_line, without_controls

WRITTEN = (
    "ok \x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ "
    "\x9b1mbold \u202eevil ä🚀\r\n50%\r100%\n"
)
SHOWN = "ok red link bold evil ä🚀\n50%\n100%\n"


def test_nothing_that_a_job_writes_steers_the_terminal() -> None:
    assert without_controls(WRITTEN) == SHOWN


@given(st.lists(st.integers(0, len(WRITTEN.encode())), max_size=8))
def test_it_does_not_matter_where_output_is_cut(places: list[int]) -> None:
    data, cleaner = WRITTEN.encode(), Cleaner()
    ends = sorted(places)

    pieces = [cleaner.take(data[begin:end]) for begin, end in zip([0, *ends], [*ends, len(data)], strict=True)]

    assert "".join([*pieces, cleaner.take(b"", is_last=True)]) == SHOWN


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_whatever_leave_a_control_character(data: bytes, place: int) -> None:
    cleaner = Cleaner()

    shown = cleaner.take(data[:place]) + cleaner.take(data[place:]) + cleaner.take(b"", is_last=True)

    assert not CONTROL.search(shown)


def test_a_sequence_without_an_end_holds_nothing_back_for_long() -> None:
    cleaner = Cleaner()

    shown = cleaner.take(b"\x1b]0;" + b"x" * 10_000)

    assert shown.endswith("xxx")


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\u2028b", "a\tb", "a\x1b[2J b"])
def test_one_line_is_one_line(text: str) -> None:
    assert one_line(text) == "a b"
