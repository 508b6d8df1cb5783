from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hosts.host_keys import known_hosts_line, parse_key, scan
from hosts.supervisor.records import RunState
from hosts.transports.base import HostKeyRefused, HostUnreachable, TransportBroken
from hosts.transports.ssh import SshTransport
from hosts.transports.ssh_keys import load_key
from tests.hosts.site import Site, run_of, wait_until
from tests.servers.sshd import Sshd, make_key


def other_key_line(server: Sshd, *, kind: str = "ed25519") -> str:
    path = make_key(server.directory / f"other-{kind}", kind=kind)
    return known_hosts_line("127.0.0.1", port=server.port, key=parse_key(Path(f"{path}.pub").read_text()))


@contextmanager
def listening_to_nobody() -> Iterator[int]:
    """A port where connections are taken and never a byte comes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_another_host_key_is_refused_before_anything_is_sent(sshd: Sshd, kind: str) -> None:
    address = replace(sshd.address, known_hosts=(other_key_line(sshd, kind=kind),))

    with pytest.raises(HostKeyRefused) as refused:
        SshTransport.connect(address)

    assert refused.value.offered == parse_key(sshd.host_key_text).fingerprint
    assert refused.value.expected == (parse_key(other_text(sshd, kind)).fingerprint,)
    assert refused.value.offered in str(refused.value)
    assert refused.value.expected[0] in str(refused.value)
    assert "Accepted publickey" not in sshd.log
    assert "userauth" not in sshd.log.lower()


def other_text(server: Sshd, kind: str) -> str:
    return (server.directory / f"other-{kind}.pub").read_text()


def test_a_host_that_nobody_accepted_is_refused(shared_sshd: Sshd) -> None:
    with pytest.raises(HostKeyRefused, match="none accepted yet"):
        SshTransport.connect(replace(shared_sshd.address, known_hosts=()))


def test_a_revoked_host_key_is_refused_though_it_was_accepted(shared_sshd: Sshd) -> None:
    lines = shared_sshd.address.known_hosts

    with pytest.raises(HostKeyRefused):
        SshTransport.connect(replace(shared_sshd.address, known_hosts=(*lines, f"@revoked {lines[0]}")))


def test_a_host_is_known_by_the_name_it_was_accepted_under(shared_sshd: Sshd) -> None:
    key = parse_key(shared_sshd.host_key_text)
    line = known_hosts_line("build1.example", port=shared_sshd.port, key=key)

    transport = SshTransport.connect(replace(shared_sshd.address, known_hosts=(line,), name="build1.example"))

    assert transport.is_open
    transport.close()


def test_a_scan_shows_the_keys_that_a_host_offers(shared_sshd: Sshd) -> None:
    assert scan("127.0.0.1", port=shared_sshd.port) == [parse_key(shared_sshd.host_key_text)]


def test_a_key_that_the_host_does_not_know_is_told(shared_sshd: Sshd, tmp_path: Path) -> None:
    stranger = load_key(make_key(tmp_path / "stranger", kind="ed25519"))

    with pytest.raises(HostUnreachable, match="does not let") as refused:
        SshTransport.connect(replace(shared_sshd.address, key=stranger))

    assert not isinstance(refused.value, HostKeyRefused)


@pytest.mark.meets("BD-41")
@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_every_kind_of_key_logs_in(sshd: Sshd, tmp_path: Path, kind: str) -> None:
    path = make_key(tmp_path / "key", kind=kind)
    (sshd.directory / "authorized_keys").write_text(Path(f"{path}.pub").read_text())

    transport = SshTransport.connect(replace(sshd.address, key=load_key(path)))

    assert transport.open_shell(timeout_seconds=10).ask(b"echo in", timeout_seconds=10).output == b"in\n"
    transport.close()


def test_a_closed_port_is_told_at_once(shared_sshd: Sshd) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with pytest.raises(HostUnreachable, match="refused"):
        SshTransport.connect(replace(shared_sshd.address, port=port))


def test_a_host_that_never_greets_is_given_up_in_time(shared_sshd: Sshd) -> None:
    with listening_to_nobody() as port:
        begin = time.monotonic()
        with pytest.raises(HostUnreachable):
            SshTransport.connect(replace(shared_sshd.address, port=port), connect_timeout_seconds=1)

    assert time.monotonic() - begin < 4


def test_a_host_that_freezes_is_given_up_in_time(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    steps: list[Callable[[SshTransport], object]] = [
        lambda transport: transport.open_shell(timeout_seconds=1),
        lambda transport: transport.read(str(tmp_path / "file"), offset=0, limit_bytes=1),
        lambda transport: transport.follow(str(tmp_path / "file"), offset=0),
        lambda transport: transport.download(str(tmp_path / "file"), local=tmp_path / "copy"),
    ]
    transports = [SshTransport.connect(sshd.address, request_timeout_seconds=3) for _ in steps]
    shell = transports[0].open_shell(timeout_seconds=10)
    transports[1].size(str(tmp_path / "file"))

    with sshd.frozen():
        begin = time.monotonic()
        with pytest.raises(HostUnreachable):
            SshTransport.connect(sshd.address, connect_timeout_seconds=1)
        with pytest.raises(TransportBroken):
            shell.ask(b"echo", timeout_seconds=1)
        for step, transport in zip(steps, transports, strict=True):
            with pytest.raises(HostUnreachable):
                step(transport)
        took_seconds = time.monotonic() - begin

    assert took_seconds < 20
    for transport in transports:
        transport.close()


def test_channels_stay_within_their_bound(shared_sshd: Sshd) -> None:
    transport = SshTransport.connect(shared_sshd.address, max_channels=2)
    shells = [transport.open_shell(timeout_seconds=10) for _ in range(2)]

    with pytest.raises(HostUnreachable, match="All 2 channels"):
        transport.open_shell(timeout_seconds=0.2)
    shells[0].close()
    third = transport.open_shell(timeout_seconds=10)

    assert transport.is_open
    assert [shell.ask(b"echo up", timeout_seconds=10).output for shell in (shells[1], third)] == [b"up\n"] * 2
    transport.close()


def test_who_comes_first_does_not_hold_up_the_others_for_ever(shared_sshd: Sshd) -> None:
    transport = SshTransport.connect(shared_sshd.address, max_channels=1)
    shell = transport.open_shell(timeout_seconds=10)
    free = threading.Timer(0.3, shell.close)
    free.start()

    second = transport.open_shell(timeout_seconds=10)

    assert second.ask(b"echo up", timeout_seconds=10).output == b"up\n"
    free.join()
    transport.close()


def test_a_session_that_the_server_refuses_does_not_break_the_connection(sshd: Sshd) -> None:
    sshd.restart("MaxSessions 2")
    transport = SshTransport.connect(sshd.address)
    shells = [transport.open_shell(timeout_seconds=10) for _ in range(2)]

    with pytest.raises(HostUnreachable, match="refuses another session"):
        transport.open_shell(timeout_seconds=10)

    assert transport.is_open
    assert shells[0].ask(b"echo up", timeout_seconds=10).output == b"up\n"
    transport.close()


def test_noise_of_the_login_is_not_taken_for_an_answer(sshd: Sshd, tmp_path: Path) -> None:
    sshd.make_noisy()
    site = Site(lambda: SshTransport.connect(sshd.address), directory=tmp_path / "base")

    end = site.run(run_of("quiet", "echo out; exit 3"))

    assert end.exit_code == 3
    assert site.stdout("quiet") == b"out\n"
    assert "Welcome" not in str(site.records)
    site.clear()


def test_a_run_outlives_the_end_of_its_session_on_the_server(sshd: Sshd, tmp_path: Path) -> None:
    site = Site(lambda: SshTransport.connect(sshd.address), directory=tmp_path / "base")
    gate = tmp_path / "gate"
    site.launch(run_of("long", f"echo one; until [ -e {gate} ]; do sleep 0.05; done; echo two; exit 9"))
    site.started("long")

    sshd.drop_sessions()
    with pytest.raises(HostUnreachable):
        site.look("long")
    wait_until(lambda: not site.transport.is_open, what="the end of the connection")
    gate.touch()
    site.open()

    assert site.ended("long").exit_code == 9
    assert site.stdout("long") == b"one\ntwo\n"
    assert site.look("long").state is RunState.ENDED
    site.clear()


def test_a_connection_that_breaks_while_it_is_used_is_told(shared_sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    transport = SshTransport.connect(shared_sshd.address)
    shell = transport.open_shell(timeout_seconds=10)
    follower = transport.follow(str(tmp_path / "file"), offset=0)
    wait_until(follower.read, what="the first byte")

    # Only to send is impossible now: what is sent next meets it before anybody has noticed.
    transport._connection.sock.shutdown(socket.SHUT_WR)
    with pytest.raises(TransportBroken):
        shell.ask(b"echo", timeout_seconds=10)
    follower.close()
    transport.close()

    assert not shell.is_open
    assert not follower.is_open


def test_a_launch_cut_off_in_the_middle_starts_each_run_at_most_once(sshd: Sshd, tmp_path: Path) -> None:
    site = Site(lambda: SshTransport.connect(sshd.address), directory=tmp_path / "base")
    requests = [run_of(f"cut-{number}", f"echo x >>{tmp_path}/times-{number}") for number in range(200)]
    cut = threading.Timer(0.05, sshd.drop_sessions)

    cut.start()
    try:
        site.launch(*requests)
    except HostUnreachable:
        site.open()
    cut.join()
    if not site.transport.is_open:
        site.open()
    site.launch(*requests)

    # A run whose gate was passed by the shell that was cut off may never start: then nothing of it is there.
    for request in requests:
        state = site.look(request.name).state
        assert state in {RunState.ENDED, RunState.RUNNING, RunState.CLAIMED}
    wait_until(lambda: all(_is_over(site, request.name) for request in requests), what="the ends")
    times = [path.read_text() for path in tmp_path.glob("times-*")]
    assert times
    assert set(times) == {"x\n"}
    site.clear()


def _is_over(site: Site, name: str) -> bool:
    return site.look(name).state in {RunState.ENDED, RunState.CLAIMED}


def test_the_connection_says_nothing_of_ours_to_the_host(shared_sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SECRET", "ours")
    transport = SshTransport.connect(shared_sshd.address)

    environment = transport.open_shell(timeout_seconds=10).ask(b"env", timeout_seconds=10).output

    assert b"ours" not in environment
    assert b"SSH_AUTH_SOCK" not in environment or "SSH_AUTH_SOCK" in os.environ
    transport.close()
