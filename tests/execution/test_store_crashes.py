from __future__ import annotations

import errno
import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jobs.execution.store import Chunk, FileStore, OutputLost, Sizes, StaleAppend, StoreFull, Stream
from jobs.execution.store.tail import Layout, Tail
from tests.execution.outputs import MIB, append_all, joined, names, noise, read_all


class CrashingWriter(RuleBasedStateMachine):
    """Any appends, some of them never committed, in stores whose limit changes: against plain bytes."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root / os.urandom(8).hex()
        self.store = FileStore(self.root, limit_bytes=100, append_limit_bytes=40)
        self.sizes = Sizes()
        self.told: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
        self.merged = b""

    pieces = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=13)), min_size=1, max_size=3)

    @rule(pieces=pieces)
    def append(self, pieces: list[tuple[Stream, bytes]]) -> None:
        self.sizes = self.store.append(1, pieces, sizes=self.sizes)
        for stream, data in pieces:
            self.told[stream] += data
            self.merged += data

    @rule(pieces=pieces)
    def append_and_crash(self, pieces: list[tuple[Stream, bytes]]) -> None:
        self.store.append(1, pieces, sizes=self.sizes)

    @rule(limit_bytes=st.sampled_from([2, 60, 100, 101, 400]))
    def restart_with_another_limit(self, limit_bytes: int) -> None:
        self.store = FileStore(self.root, limit_bytes=limit_bytes, append_limit_bytes=40)

    @rule()
    def cut(self) -> None:
        self.store.seal(1, sizes=self.sizes)

    @rule(data=st.data())
    def read_anywhere(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(0, sum(self.sizes) + 1))
        limit_bytes = data.draw(st.integers(0, 50))
        chunk = self.store.read(1, "both", sizes=self.sizes, offset=offset, limit_bytes=limit_bytes)
        assert chunk.data == self.merged[chunk.offset : chunk.next_offset]
        assert len(chunk.data) <= limit_bytes

    @invariant()
    def each_stream_is_what_was_committed(self) -> None:
        for stream, data in self.told.items():
            gap = self.store.dropped(1, stream, size_bytes=len(data)) or (len(data), len(data))
            chunks = read_all(self.store, stream, sizes=self.sizes, limit_bytes=17)
            assert joined(chunks) == data[: gap[0]] + data[gap[1] :]

    @invariant()
    def both_are_in_order_of_arrival(self) -> None:
        chunks = read_all(self.store, "both", sizes=self.sizes, limit_bytes=23)
        assert all(chunk.data == self.merged[chunk.offset : chunk.next_offset] for chunk in chunks)
        ends = [0, *(chunk.next_offset for chunk in chunks)]
        begins = [chunk.gap[0] if chunk.gap else chunk.offset for chunk in chunks]
        assert begins == ends[:-1]
        assert ends[-1] == len(self.merged)

    def teardown(self) -> None:
        hashes = self.store.seal(1, sizes=self.sizes)
        for stream, data in self.told.items():
            if self.store.dropped(1, stream, size_bytes=len(data)) is None:
                assert hashes[stream] == hashlib.sha256(data).hexdigest()
        self.store.drop(1)
        assert names(self.root) == []


def test_no_crash_loses_or_doubles_a_byte(tmp_path: Path) -> None:
    class Here(CrashingWriter):
        def __init__(self) -> None:
            super().__init__(tmp_path)

    run_state_machine_as_test(Here, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, 8 * 1024), min_size=1, max_size=20))
def test_cuts_anywhere_and_the_same_bytes_again_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    store = FileStore(tmp_path_factory.mktemp("cuts"))
    data = noise(200_000)
    sizes = Sizes()
    for cut in cuts:
        store.append(1, [("stdout", data[sizes.stdout : sizes.stdout + 2 * cut])], sizes=sizes)
        sizes = store.append(1, [("stdout", data[sizes.stdout : sizes.stdout + cut])], sizes=sizes)

    assert store.seal(1, sizes=sizes)["stdout"] == hashlib.sha256(data[: sum(cuts)]).hexdigest()


def test_a_seal_cuts_what_was_never_committed(tmp_path: Path) -> None:
    store = FileStore(tmp_path, limit_bytes=20)
    sizes = store.append(1, [("stdout", b"first")], sizes=Sizes())
    store.append(1, [("stdout", b"never committed, and over the limit"), ("stderr", b"x")], sizes=sizes)

    store.seal(1, sizes=sizes)

    assert names(tmp_path) == ["0/1.1"]
    assert (tmp_path / "0/1.1").read_bytes() == b"first"


@pytest.mark.parametrize("limit_bytes", [100_000, 1000], ids=["head", "tail"])
def test_a_writer_who_lost_the_attempt_cannot_harm_what_the_new_one_committed(tmp_path: Path, limit_bytes: int) -> None:
    data = noise(3000)
    store = FileStore(tmp_path, limit_bytes=limit_bytes, append_limit_bytes=50)
    sizes = append_all(store, data, step=50)
    before = joined(read_all(store, sizes=sizes))

    for start in range(0, 3000, 50):
        with suppress(StaleAppend):
            store.append(1, [("stdout", data[start : start + 50])], sizes=Sizes(stdout=start))

    assert joined(read_all(store, sizes=sizes)) == before


def test_an_append_far_behind_what_is_stored_is_refused(tmp_path: Path) -> None:
    store = FileStore(tmp_path, limit_bytes=100, append_limit_bytes=50)
    append_all(store, noise(3000), step=50)

    with pytest.raises(StaleAppend, match="Attempt 1 stdout is stored up to byte 3000; an append at byte 60 "):
        store.append(1, [("stdout", b"x")], sizes=Sizes(stdout=60))


def test_a_tail_whose_making_was_cut_off_is_made_again(tmp_path: Path) -> None:
    store = FileStore(tmp_path, limit_bytes=20)
    sizes = store.append(1, [("stdout", b"0123456789")], sizes=Sizes())
    (tmp_path / "0/1.3").write_bytes(b"BYta")

    sizes = store.append(1, [("stdout", b"abc")], sizes=sizes)

    assert joined(read_all(store, sizes=sizes)) == b"0123456789abc"


@pytest.mark.parametrize("stored_bytes", [0, 7], ids=["no file", "cut short"])
def test_bytes_that_went_with_the_power_are_told(tmp_path: Path, stored_bytes: int) -> None:
    store = FileStore(tmp_path)
    store.append(1, [("stdout", b"x" * stored_bytes)], sizes=Sizes())
    committed = Sizes(stdout=10)
    told = f"Attempt 1 stdout: 10 bytes are committed, but only {stored_bytes} are stored."

    with pytest.raises(OutputLost, match=told) as reading:
        store.read(1, "stdout", sizes=committed, offset=0, limit_bytes=100)
    with pytest.raises(OutputLost, match=told):
        store.append(1, [("stdout", b"more")], sizes=committed)
    with pytest.raises(OutputLost, match=told):
        store.seal(1, sizes=committed)

    assert reading.value.stored_bytes == stored_bytes


@pytest.mark.parametrize("number", [0, 1, 2, 3], ids=["order", "stdout", "stderr", "tail"])
def test_a_full_disk_harms_nothing_and_the_same_append_works_later(tmp_path: Path, number: int) -> None:
    store = FileStore(tmp_path, limit_bytes=40)
    store.append(2, [("stdout", b"makes the directory")], sizes=Sizes())
    pieces: list[tuple[Stream, bytes]] = [("stderr", b"first, "), ("stdout", b"a line that goes on and on")]
    path = tmp_path / f"0/1.{number}"
    path.symlink_to("/dev/full")

    with pytest.raises(StoreFull, match=f"No room left for output: '{tmp_path}'") as full:
        store.append(1, pieces, sizes=Sizes())

    path.unlink()
    assert full.value.errno == errno.ENOSPC
    sizes = store.append(1, pieces, sizes=Sizes())
    assert joined(read_all(store, "both", sizes=sizes)) == b"first, a line that goes on and on"


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b"a file where the directory should be")

    with pytest.raises(NotADirectoryError):
        FileStore(tmp_path / "output").append(1, [("stdout", b"x")], sizes=Sizes())


@pytest.mark.parametrize("limit_bytes", [4 * MIB, 64 * 1024], ids=["head", "ring"])
def test_a_reader_beside_the_writer_sees_committed_bytes_only(tmp_path: Path, limit_bytes: int) -> None:
    store = FileStore(tmp_path, limit_bytes=limit_bytes, append_limit_bytes=4096)
    data = noise(3 * MIB)
    committed = [Sizes()]
    problems: list[Chunk] = []

    def write() -> None:
        for start in range(0, len(data), 4096):
            committed.append(store.append(1, [("stdout", data[start : start + 4096])], sizes=committed[-1]))

    def read(sizes: Sizes) -> None:
        for chunk in read_all(store, sizes=sizes, limit_bytes=10_000):
            if chunk.data != data[chunk.offset : chunk.next_offset] or chunk.next_offset > sizes.stdout:
                problems.append(chunk)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        read(committed[-1])
    writer.join()
    read(committed[-1])
    # Long behind: what was written over meanwhile is a gap, never other bytes.
    for sizes in committed[:: len(committed) // 50]:
        read(sizes)

    assert committed[-1].stdout == len(data)
    assert problems == []


def test_a_reader_who_is_behind_gets_a_gap_and_never_other_bytes(tmp_path: Path) -> None:
    store = FileStore(tmp_path, limit_bytes=100, append_limit_bytes=40)
    data = noise(400)
    for stored_bytes in range(0, 400, 10):
        at = Sizes(stdout=stored_bytes)
        store.append(1, [("stdout", b"lost in a crash".ljust(40))], sizes=at)
        store.append(1, [("stdout", data[stored_bytes : stored_bytes + 10])], sizes=at)

        for behind_bytes in range(0, stored_bytes + 10, 10):
            chunks = read_all(store, sizes=Sizes(stdout=behind_bytes))

            assert all(chunk.data == data[chunk.offset : chunk.next_offset] for chunk in chunks)
            assert sum(len(chunk.data) for chunk in chunks) >= min(behind_bytes, 50)
            assert (chunks[-1].next_offset if chunks else 0) == behind_bytes


def test_only_one_of_two_writers_makes_the_tail(tmp_path: Path) -> None:
    path = str(tmp_path / "1.3")
    Tail.create(path, Layout(10, 10, 20), name="Attempt 1 stdout").close()

    with pytest.raises(StaleAppend, match="an append at byte 15 comes too late"):
        Tail.create(path, Layout(15, 10, 20), name="Attempt 1 stdout")
