from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hosts.transports.base import Follower, Transport, TransportBroken
from hosts.transports.local import LocalTransport
from tests.hosts.site import WAIT_SECONDS, wait_until

BINARY = bytes(range(256)) * 4096 + b"no newline at the end"


@pytest.fixture
def transport(connect: Callable[[], Transport]) -> Iterator[Transport]:
    transport = connect()
    yield transport
    transport.close()


def read_until(follower: Follower, expected: bytes) -> bytes:
    deadline = time.monotonic() + WAIT_SECONDS
    data = b""
    while len(data) < len(expected):
        assert time.monotonic() < deadline, f"Only {data[-200:]!r} came."
        select.select([follower.fileno()], [], [], 0.5)
        data += follower.read()
    return data


def test_a_shell_answers_with_output_and_status(transport: Transport) -> None:
    shell = transport.open_shell(timeout_seconds=10)

    answer = shell.ask(b"echo one; printf two; (exit 3)", timeout_seconds=10)

    assert (answer.output, answer.status) == (b"one\ntwo", 3)


def test_a_shell_remembers_what_it_was_told(transport: Transport) -> None:
    shell = transport.open_shell(timeout_seconds=10)

    shell.ask(b"word=kept", timeout_seconds=10)

    assert shell.ask(b'echo "$word"', timeout_seconds=10).output == b"kept\n"


def test_a_large_request_and_a_large_answer_pass(transport: Transport) -> None:
    shell = transport.open_shell(timeout_seconds=10)
    word = b"x" * 300_000

    answer = shell.ask(b"word='%s'; echo $word$word$word" % word, timeout_seconds=20)

    assert answer.output == word * 3 + b"\n"


def test_a_shell_that_does_not_answer_in_time_is_closed(transport: Transport) -> None:
    shell = transport.open_shell(timeout_seconds=10)

    begin = time.monotonic()
    with pytest.raises(TransportBroken, match=r"did not answer within 0\.3 s"):
        shell.ask(b"sleep 5", timeout_seconds=0.3)

    assert time.monotonic() - begin < 3
    assert not shell.is_open
    with pytest.raises(TransportBroken, match="closed"):
        shell.ask(b"echo late", timeout_seconds=1)


def test_a_shell_that_ends_is_told(transport: Transport) -> None:
    shell = transport.open_shell(timeout_seconds=10)

    with pytest.raises(TransportBroken):
        shell.ask(b"exit 0", timeout_seconds=10)

    assert not shell.is_open


def test_bytes_are_read_from_an_offset(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "it's data"
    path.write_bytes(BINARY)

    assert transport.size(str(path)) == len(BINARY)
    assert transport.read(str(path), offset=0, limit_bytes=1 << 24) == BINARY
    assert transport.read(str(path), offset=70_000, limit_bytes=100_001) == BINARY[70_000:170_001]
    assert transport.read(str(path), offset=len(BINARY), limit_bytes=10) == b""
    assert transport.read(str(path), offset=len(BINARY) + 5, limit_bytes=10) == b""


def test_what_is_missing_is_said(transport: Transport, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        transport.read(str(tmp_path / "missing"), offset=0, limit_bytes=1)
    with pytest.raises(FileNotFoundError):
        transport.size(str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        transport.download(str(tmp_path / "missing"), local=tmp_path / "copy")

    assert os.listdir(tmp_path) == []
    assert transport.is_open


def test_a_file_goes_there_and_back_wholly(transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(BINARY)
    (tmp_path / "there").write_bytes(b"something older")

    transport.upload(tmp_path / "first", remote=str(tmp_path / "there"))
    transport.download(str(tmp_path / "there"), local=tmp_path / "back")

    assert (tmp_path / "there").read_bytes() == BINARY
    assert (tmp_path / "back").read_bytes() == BINARY
    assert sorted(os.listdir(tmp_path)) == ["back", "first", "there"]


def test_a_transfer_that_fails_leaves_what_was_there(transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(b"new")

    with pytest.raises(FileNotFoundError):
        transport.upload(tmp_path / "first", remote=str(tmp_path / "no-directory" / "there"))

    assert os.listdir(tmp_path) == ["first"]
    assert transport.is_open


def test_a_followed_file_is_told_from_the_offset_on(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "it's followed"
    path.write_bytes(b"0123456789")

    follower = transport.follow(str(path), offset=4)
    beginning = read_until(follower, b"456789")
    with path.open("ab") as file:
        file.write(b"\0\xffmore\n")

    assert beginning == b"456789"
    assert read_until(follower, b"\0\xffmore\n") == b"\0\xffmore\n"
    assert follower.read() == b""
    assert follower.is_open


def test_a_followed_line_comes_within_a_tenth_of_a_second(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"begin\n")
    follower = transport.follow(str(path), offset=0)
    read_until(follower, b"begin\n")
    delays = []

    for _ in range(5):
        with path.open("ab") as file:
            file.write(b"line\n")
        begin = time.monotonic()
        read_until(follower, b"line\n")
        delays.append(time.monotonic() - begin)

    # The best of several: other tests may have the machine's two cores.
    assert min(delays) < 0.1


def test_following_what_is_not_there_ends(transport: Transport, tmp_path: Path) -> None:
    follower = transport.follow(str(tmp_path / "missing"), offset=0)

    wait_until(lambda: follower.read() == b"" and not follower.is_open, what="the end of the follower")


def test_a_closed_transport_serves_nothing(connect: Callable[[], Transport], tmp_path: Path) -> None:
    transport = connect()
    shell = transport.open_shell(timeout_seconds=10)
    (tmp_path / "file").write_bytes(b"x")

    transport.close()

    assert not transport.is_open
    with pytest.raises(TransportBroken):
        shell.ask(b"echo", timeout_seconds=5)
    with pytest.raises(TransportBroken):
        transport.open_shell(timeout_seconds=5)
    with pytest.raises(TransportBroken):
        transport.read(str(tmp_path / "file"), offset=0, limit_bytes=1)


def test_the_shell_of_this_machine_leaves_no_process_and_takes_no_descriptor(tmp_path: Path) -> None:
    leaked, other = os.pipe()
    os.set_inheritable(leaked, True)
    transport = LocalTransport(tmp_path)

    shell = transport.open_shell(timeout_seconds=10)
    # The listing is by a built-in of the shell, which has its own descriptors above 9.
    there = shell.ask(b"echo $$; cd /proc/$$/fd; echo *", timeout_seconds=10).output.split()
    transport.close()
    os.close(leaked)
    os.close(other)

    assert str(leaked).encode() not in there[1:]
    with pytest.raises(ProcessLookupError):
        os.kill(int(there[0]), 0)


def test_runs_do_not_inherit_the_signals_that_we_ignore(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        transport = LocalTransport(tmp_path)
        status = transport.open_shell(timeout_seconds=10).ask(b"cat /proc/self/status", timeout_seconds=10).output
        transport.close()
    finally:
        signal.signal(signal.SIGHUP, before)

    ignored = int(status.split(b"SigIgn:")[1].split()[0], 16)
    assert not ignored & (1 << (signal.SIGHUP - 1) | 1 << (signal.SIGPIPE - 1))
