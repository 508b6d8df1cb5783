from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hosts.host_keys import KnownHostsRefused, host_name, keys_for, known_hosts_line, parse_key, parse_known_hosts
from tests.servers.sshd import make_key


@pytest.fixture(scope="module")
def key_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = make_key(tmp_path_factory.mktemp("keys") / "key", kind="ed25519")
    return Path(f"{path}.pub").read_text().strip()


def test_a_line_that_is_written_is_read_again(key_text: str) -> None:
    key = parse_key(key_text)

    (entry,) = parse_known_hosts(["# accepted by hand", "", known_hosts_line("build1", port=2222, key=key)])

    assert entry.key == key
    assert entry.is_for("[build1]:2222")
    assert not entry.is_for("build1")


def test_a_fingerprint_is_the_one_that_openssh_prints(key_text: str, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(key_text)

    printed = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], capture_output=True, check=True)

    assert parse_key(key_text).fingerprint == printed.stdout.decode().split()[1]


def test_a_hashed_name_is_found(key_text: str, tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"build1,[build2]:2222 {key_text}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], capture_output=True, check=True)
    known = parse_known_hosts(path.read_text().splitlines())

    assert "build" not in path.read_text()
    assert keys_for(known, name="build1") == ([parse_key(key_text)], [])
    assert keys_for(known, name="[build2]:2222") == ([parse_key(key_text)], [])
    assert keys_for(known, name="build3") == ([], [])


def test_a_revoked_key_is_not_accepted(key_text: str) -> None:
    known = parse_known_hosts([f"build1 {key_text}", f"@revoked build1 {key_text}"])

    assert keys_for(known, name="build1") == ([], [parse_key(key_text)])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("build1", "NAMES KIND KEY", id="too short"),
        pytest.param("@cert-authority *.example {key}", "no line of known_hosts", id="certificate authority"),
        pytest.param("*.example {key}", "more than one host", id="wildcard"),
        pytest.param("build1 ssh-dss AAAAB3NzaC1kc3MAAAA=", "ssh-dss", id="kind"),
        pytest.param("build1 ssh-ed25519 not-base64!", "no public key", id="garbage"),
        pytest.param("build1 ssh-rsa {blob}", "says it is ssh-rsa", id="another kind than it says"),
        pytest.param("|1|x {key}", "hashed host name", id="torn hash"),
    ],
)
def test_a_line_that_cannot_pin_a_key_is_refused(key_text: str, line: str, reason: str) -> None:
    with pytest.raises(KnownHostsRefused, match=reason):
        parse_known_hosts([line.format(key=key_text, blob=key_text.split()[1])])


def test_the_port_belongs_to_the_name() -> None:
    assert host_name("build1", port=22) == "build1"
    assert host_name("::1", port=2222) == "[::1]:2222"
