from __future__ import annotations

from pathlib import Path

import pytest

from jobs.execution.store import Chunk, FileStore, Sizes, StaleAppend, Stream
from tests.execution.outputs import joined, names, read_all


def test_both_without_an_index_is_stdout_then_stderr(tmp_path: Path) -> None:
    store = FileStore(tmp_path)

    sizes = store.append(1, [("stdout", b"out "), ("stderr", b"err")], sizes=Sizes())

    assert joined(read_all(store, "both", sizes=sizes)) == b"out err"
    assert names(tmp_path) == ["0/1.1", "0/1.2"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_both_of_one_stream_is_that_stream(tmp_path: Path, stream: Stream) -> None:
    store = FileStore(tmp_path, limit_bytes=10)

    sizes = store.append(1, [(stream, b"0123456789abcdef")], sizes=Sizes())

    both = read_all(store, "both", sizes=sizes, limit_bytes=3)
    assert both == read_all(store, stream, sizes=sizes, limit_bytes=3)
    assert "0/1.0" not in names(tmp_path)


def test_both_keeps_the_order_of_arrival(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    sizes = Sizes()
    for number in range(6000):
        stream: Stream = "stderr" if number % 2 else "stdout"
        sizes = store.append(1, [(stream, b"%d " % number)], sizes=sizes)

    expected = b"".join(b"%d " % number for number in range(6000))

    assert joined(read_all(store, "both", sizes=sizes, limit_bytes=777)) == expected
    assert store.read(1, "both", sizes=sizes, offset=20_000, limit_bytes=50).data == expected[20_000:20_050]
    assert (tmp_path / "0/1.0").stat().st_size == 3000 * 16


def test_both_tells_a_gap_of_one_stream_at_its_place(tmp_path: Path) -> None:
    store = FileStore(tmp_path, limit_bytes=10)
    pieces: list[tuple[Stream, bytes]]
    pieces = [("stdout", b"01234567"), ("stderr", b"warning"), ("stdout", b"89abcdefgh")]
    sizes = store.append(1, pieces, sizes=Sizes())

    chunks = read_all(store, "both", sizes=sizes)

    assert chunks == [Chunk(b"01234", 0), Chunk(b"warning", 8, (5, 8)), Chunk(b"defgh", 20, (15, 20))]


def test_an_index_that_was_lost_costs_the_order_and_no_byte(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    sizes = store.append(1, [("stderr", b"e1 "), ("stdout", b"o1 ")], sizes=Sizes())
    (tmp_path / "0/1.0").unlink()

    sizes = store.append(1, [("stderr", b"e2 "), ("stdout", b"o2 ")], sizes=sizes)

    assert joined(read_all(store, "both", sizes=sizes)) == b"o1 e1 e2 o2 "


def test_an_order_far_ahead_of_its_writer_is_refused(tmp_path: Path) -> None:
    store = FileStore(tmp_path, append_limit_bytes=10)
    sizes = store.append(1, [("stderr", b"e1"), ("stdout", b"o1")], sizes=Sizes())
    for _ in range(5):
        sizes = store.append(1, [("stderr", b"e"), ("stdout", b"o")], sizes=sizes)

    with pytest.raises(StaleAppend, match="Attempt 1 is stored up to byte 14; an append at byte 2 "):
        store.append(1, [("stderr", b"e")], sizes=Sizes(1, 1))
