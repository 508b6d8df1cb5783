from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from jobs.execution.store import Chunk, FileStore, OutputLost, Sizes, dropped
from tests.execution.outputs import MIB, append_all, joined, names, noise, read_all

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


SIZES_OF_NOTE = [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1]


@pytest.mark.parametrize("size_bytes", SIZES_OF_NOTE, ids=str)
def test_every_byte_is_kept_in_order(tmp_path: Path, size_bytes: int) -> None:
    store = FileStore(tmp_path)
    data = noise(size_bytes)

    sizes = append_all(store, data, step=100_003)

    assert joined(read_all(store, sizes=sizes)) == data
    assert store.seal(1, sizes=sizes)["stdout"] == hashlib.sha256(data).hexdigest()
    assert store.dropped(1, "stdout", size_bytes=size_bytes) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\0" * 5000, id="NUL"),
        pytest.param(bytes(range(256)) * 9, id="every byte"),
        pytest.param(b"\xff\xfe\xc3(", id="invalid UTF-8"),
        pytest.param(b"\r" * 10_000 + b"\x1b]0;title\x07\x1b[31m", id="terminal control"),
    ],
)
def test_bytes_have_no_meaning(tmp_path: Path, data: bytes) -> None:
    store = FileStore(tmp_path, limit_bytes=100_000)

    sizes = append_all(store, data, stream="stderr", step=999)

    assert joined(read_all(store, "stderr", sizes=sizes)) == data


def test_a_stream_without_a_byte_makes_no_file(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "output")

    assert store.append(1, [("stdout", b"")], sizes=Sizes()) == Sizes()
    assert not (tmp_path / "output").exists()
    assert store.seal(1, sizes=Sizes()) == {"stdout": EMPTY_SHA256, "stderr": EMPTY_SHA256}
    assert store.read(1, "both", sizes=Sizes(), offset=0, limit_bytes=10) == Chunk(b"", 0)


def test_files_are_named_by_numbers_and_private(tmp_path: Path) -> None:
    root = tmp_path / "output"
    store = FileStore(root, limit_bytes=4)

    store.append(12345, [("stderr", b"abcdefgh")], sizes=Sizes())
    store.append(12345, [("stdout", b"x")], sizes=Sizes(stderr=8))

    assert names(root) == ["12/12345.0", "12/12345.1", "12/12345.2", "12/12345.4"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")}
    assert modes == {0o600, 0o700}


@pytest.mark.parametrize("is_durable", [True, False], ids=["at once", "later"])
def test_output_can_be_brought_to_the_disk(tmp_path: Path, is_durable: bool) -> None:
    store = FileStore(tmp_path)

    sizes = store.append(1, [("stdout", b"kept")], sizes=Sizes(), is_durable=is_durable)
    store.sync([1, 2])

    assert joined(read_all(store, sizes=sizes)) == b"kept"


# Over the limit


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        pytest.param(999, None, id="under"),
        pytest.param(1000, None, id="at the limit"),
        pytest.param(1001, (500, 501), id="one over"),
        pytest.param(5000, (500, 4500), id="far over"),
    ],
)
def test_the_first_and_last_halves_stay(tmp_path: Path, size_bytes: int, expected: tuple[int, int] | None) -> None:
    store = FileStore(tmp_path, limit_bytes=1000, append_limit_bytes=64)
    data = noise(size_bytes)

    sizes = append_all(store, data, step=64)

    chunks = read_all(store, sizes=sizes)
    assert joined(chunks) == (data if expected is None else data[:500] + data[-500:])
    assert [chunk.gap for chunk in chunks if chunk.gap] == ([expected] if expected else [])
    assert store.dropped(1, "stdout", size_bytes=size_bytes) == expected
    assert dropped(size_bytes, limit_bytes=1000) == expected
    assert (store.seal(1, sizes=sizes)["stdout"] is None) == (expected is not None)


@pytest.mark.parametrize(
    ("offset", "begins", "ends", "gap"),
    [
        pytest.param(0, 0, 300, None, id="at the beginning"),
        pytest.param(400, 400, 500, None, id="stops at the gap"),
        pytest.param(500, 4500, 4800, (500, 4500), id="first dropped byte"),
        pytest.param(3000, 4500, 4800, (3000, 4500), id="inside the gap"),
        pytest.param(4499, 4500, 4800, (4499, 4500), id="last dropped byte"),
        pytest.param(4900, 4900, 5000, None, id="ends with the stream"),
        pytest.param(9000, 9000, 9000, None, id="beyond the end"),
    ],
)
def test_a_read_in_the_gap_jumps_to_its_end_and_says_so(
    tmp_path: Path, offset: int, begins: int, ends: int, gap: tuple[int, int] | None
) -> None:
    store = FileStore(tmp_path, limit_bytes=1000, append_limit_bytes=64)
    data = noise(5000)
    sizes = append_all(store, data, step=64)

    chunk = store.read(1, "stdout", sizes=sizes, offset=offset, limit_bytes=300)

    assert chunk == Chunk(data[begins:ends], begins, gap)
    assert chunk.next_offset == ends


def test_a_long_stream_takes_no_more_room_than_its_limit_and_one_append(tmp_path: Path) -> None:
    store = FileStore(tmp_path, limit_bytes=MIB, append_limit_bytes=64 * 1024)
    data = noise(20 * MIB)

    sizes = append_all(store, data, step=64 * 1024)

    assert sum(path.stat().st_size for path in tmp_path.rglob("*.*")) <= MIB + 64 * 1024 + 100
    assert joined(read_all(store, sizes=sizes)) == data[: MIB // 2] + data[-MIB // 2 :]


@pytest.mark.parametrize(
    ("before", "after"),
    [pytest.param(1000, 4000, id="raised"), pytest.param(4000, 1000, id="lowered")],
)
@pytest.mark.parametrize("changed_at", [0, 300, 500, 700, 1500, 3000, 6000], ids=str)
def test_a_limit_that_changes_between_restarts_harms_no_byte(
    tmp_path: Path, before: int, after: int, changed_at: int
) -> None:
    data = noise(10_000)
    sizes = Sizes()
    for start in range(0, len(data), 50):
        limit_bytes = before if start < changed_at else after
        store = FileStore(tmp_path, limit_bytes=limit_bytes, append_limit_bytes=50)
        sizes = store.append(1, [("stdout", data[start : start + 50])], sizes=sizes)

        chunks = read_all(store, sizes=sizes)

        kept = [data[chunk.offset : chunk.next_offset] for chunk in chunks]
        assert kept == [chunk.data for chunk in chunks]
        gap = store.dropped(1, "stdout", size_bytes=sizes.stdout)
        assert len(joined(chunks)) == sizes.stdout - (gap[1] - gap[0] if gap else 0)
        assert len(joined(chunks)) >= min(sizes.stdout, 1000)


# Drop, and what cannot be asked


def test_drop_removes_all_and_tells_whether_there_was_any(tmp_path: Path) -> None:
    store = FileStore(tmp_path, limit_bytes=4)
    sizes = store.append(1, [("stderr", b"abcdefgh"), ("stdout", b"abcdefgh")], sizes=Sizes())
    store.append(2, [("stdout", b"k")], sizes=Sizes())

    assert store.drop(1) is True
    assert store.drop(1) is False
    assert names(tmp_path) == ["0/2.1"]
    with pytest.raises(OutputLost):
        store.read(1, "both", sizes=sizes, offset=0, limit_bytes=10)


@pytest.mark.parametrize(
    ("offset", "limit_bytes"), [pytest.param(-1, 10, id="offset"), pytest.param(0, -10, id="limit")]
)
def test_negative_numbers_are_refused(tmp_path: Path, offset: int, limit_bytes: int) -> None:
    with pytest.raises(ValueError, match=f"Offset {offset} and limit {limit_bytes} must not be negative"):
        FileStore(tmp_path).read(1, "stdout", sizes=Sizes(9, 9), offset=offset, limit_bytes=limit_bytes)


def test_an_append_over_its_limit_is_refused_whole(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "output", append_limit_bytes=10)

    with pytest.raises(ValueError, match="One append takes at most 10 bytes, not 11"):
        store.append(1, [("stdout", b"x" * 6), ("stderr", b"x" * 5)], sizes=Sizes())

    assert not (tmp_path / "output").exists()


def test_a_limit_has_two_halves(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 2 bytes"):
        FileStore(tmp_path, limit_bytes=1)
