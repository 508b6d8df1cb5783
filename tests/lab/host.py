"""Hosts of the lab: namespaces with a network, processes, an account and an sshd of their own, broken from outside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final, Literal

from tests.scenarios.site import until
from tests.servers.sshd import make_key

HERE: Final = Path(__file__).parent
NETWORK: Final = "10.99.0"
BRIDGE: Final = "yard0"
HOME_SIZE: Final = "192m"
BOOT_SECONDS: Final = 20.0
PROCESSES: Final = 400

Direction = Literal["both", "in", "out"]


def run(*words: object, is_checked: bool = True, text: str | None = None) -> str:
    """What a command prints. Raises RuntimeError with what it says if it fails, unless that does not matter."""
    command = [str(word) for word in words]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    if is_checked and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def make_network() -> None:
    """One bridge, on which the controller is the first address."""
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


class LabHost:
    """One host. Its home lasts from boot to boot; its oracle's log is kept outside of it."""

    def __init__(self, directory: Path, *, number: int) -> None:
        self.number = number
        self.name = f"n{number}"
        self.directory = directory / self.name
        self.address = f"{NETWORK}.{10 + number}"
        self.uid = 20_000 + number
        self.user = "batch"
        self._unshare: subprocess.Popen[bytes] | None = None
        self._init = 0
        self._lines: tuple[str, ...] = ()

    # --- life ---

    def make(self, client_key: Path) -> None:
        """Its keys, its account, its home."""
        etc, home = self.directory / "etc", self.directory / "home"
        for place in (etc, home):
            place.mkdir(parents=True)
        self.directory.chmod(0o755)
        run("mount", "-t", "tmpfs", "-o", f"size={HOME_SIZE},mode=700,uid={self.uid},gid={self.uid}", "tmpfs", home)
        make_key(etc / "host_key", kind="ed25519")
        shutil.copyfile(f"{client_key}.pub", etc / "authorized_keys")
        account = {
            "passwd": f"batch:x:{self.uid}:{self.uid}:lab:/home/batch:/bin/sh",
            "group": f"batch:x:{self.uid}:",
            "shadow": "batch:*:19000:0:99999:7:::",
        }
        for name, line in account.items():
            others = [one for one in Path("/etc", name).read_text().splitlines() if not one.startswith("batch:")]
            (etc / name).write_text("\n".join([*others, line]) + "\n")

    def boot(self, *lines: str) -> None:
        """Switch it on; `lines` are put before the usual ones of sshd's configuration."""
        (self.directory / "ready").unlink(missing_ok=True)
        words = ["unshare", "--fork", "--kill-child", "--net", "--pid", "--mount", "--uts", "--mount-proc"]
        init = ["sh", str(HERE / "node.sh"), str(self.directory), self.name, str(self.uid)]
        with (self.directory / "init.log").open("ab") as log:
            self._unshare = subprocess.Popen(
                [*words, "--propagation", "private", *init],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until((self.directory / "ready").exists, seconds=BOOT_SECONDS, what=f"{self.name} boots")
        pid = self._unshare.pid
        self._init = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        self._plug_in()
        self.start_sshd(*lines)

    def _plug_in(self) -> None:
        run("ip", "link", "del", self.cable, is_checked=False)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self._init)
        # A machine keeps its card over a reboot: neighbours must not have to forget it.
        self.inside("ip", "link", "set", "eth0", "address", f"02:00:00:00:00:{self.number:02x}")
        run("ip", "link", "set", self.cable, "master", BRIDGE, "up")
        self.inside("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.inside("ip", "link", "set", "eth0", "up")

    def halt(self) -> None:
        """End its first process: the kernel ends every other, and its network is gone with them."""
        if self._init:
            os.kill(self._init, signal.SIGKILL)
            assert self._unshare is not None
            self._unshare.wait(20)
        self._init = 0

    @property
    def is_up(self) -> bool:
        return bool(self._init)

    @property
    def cable(self) -> str:
        return f"yard-{self.name}"

    @property
    def log(self) -> Path:
        return self.directory / "sshd.log"

    def inside(self, *words: object, is_checked: bool = True, text: str | None = None) -> str:
        """What a command prints that runs on the host as root, without SSH."""
        entered = ("nsenter", "-t", self._init, "-n", "-p", "-m", "-u", "--")
        return run(*entered, *words, is_checked=is_checked, text=text)

    # --- sshd ---

    def start_sshd(self, *lines: str) -> None:
        """Serve; `lines` come first in the configuration, so they count."""
        self._lines = lines
        etc, pid = self.directory / "etc", self.directory / "sshd.pid"
        pid.unlink(missing_ok=True)
        usual = (
            "Port 22", f"ListenAddress {self.address}", f"HostKey {etc / 'host_key'}", f"PidFile {pid}",
            f"AuthorizedKeysFile {etc / 'authorized_keys'}", "StrictModes no", "AllowUsers batch",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no", "UseDNS no",
            "PrintMotd no", "PrintLastLog no", "MaxSessions 10", "Subsystem sftp internal-sftp",
        )  # fmt: skip
        (etc / "sshd_config").write_text("\n".join((*lines, *usual)) + "\n")
        sshd = shutil.which("sshd", path="/usr/sbin:/sbin:/usr/bin")
        self.inside("prlimit", f"--nproc={PROCESSES}", sshd, "-f", etc / "sshd_config", "-E", self.log)
        until(lambda: pid.exists() and pid.read_text().strip(), seconds=10, what=f"{self.name}: sshd listens")

    def stop_listening(self) -> None:
        """End sshd's listener, and wait until it has left the port; the sessions that are open go on."""
        listener = (self.directory / "sshd.pid").read_text().strip()
        self._signal_sshd("KILL", is_listener_only=True)
        until(lambda: listener not in self._sshd_pids(), seconds=10, what=f"{self.name}: sshd's listener is gone")

    def drop_sessions(self) -> None:
        """End every sshd process there is, and wait until none holds the port any more."""
        until(self._has_no_sshd, seconds=10, what=f"{self.name}: sshd is gone")

    def _has_no_sshd(self) -> bool:
        """After ending what there is; its listener may have taken another connection while it was looked for."""
        self._signal_sshd("KILL")
        return not self._sshd_pids()

    def freeze(self) -> None:
        """Stop every sshd process: the kernel goes on taking connections and bytes for it."""
        self._signal_sshd("STOP")

    def thaw(self) -> None:
        self._signal_sshd("CONT")

    def _signal_sshd(self, name: str, *, is_listener_only: bool = False) -> None:
        pids = [(self.directory / "sshd.pid").read_text().strip()] if is_listener_only else self._sshd_pids()
        for pid in pids:
            self.inside("kill", f"-{name}", pid, is_checked=False)

    def _sshd_pids(self) -> list[str]:
        look = 'for p in /proc/[0-9]*; do case $(readlink "$p/exe") in *sshd*) echo "${p#/proc/}" ;; esac; done; true'
        return self.inside("sh", "-c", look).split()

    def new_host_key(self) -> None:
        """Answer with another key, as a machine does that was installed anew."""
        key = self.directory / "etc" / "host_key"
        for path in (key, key.with_suffix(".pub")):
            path.rename(path.with_name(f"old_{path.name}"))
        make_key(key, kind="ed25519")
        self.drop_sessions()
        self.start_sshd()

    def old_host_key(self) -> None:
        """Answer with the first key again."""
        key = self.directory / "etc" / "host_key"
        for path in (key, key.with_suffix(".pub")):
            path.with_name(f"old_{path.name}").replace(path)
        self.drop_sessions()
        self.start_sshd()

    @property
    def public_key(self) -> str:
        return (self.directory / "etc" / "host_key.pub").read_text().strip()

    # --- network ---

    def partition(self, direction: Direction = "both") -> None:
        """Let nothing pass, silently; `in` keeps requests out, `out` keeps answers back."""
        self._filter("counter drop" if direction != "out" else "", "counter drop" if direction != "in" else "")

    def refuse(self) -> None:
        """Answer every segment with a reset."""
        self._filter("meta l4proto tcp counter reject with tcp reset", "")

    def lose(self, percent: int) -> None:
        """Lose so many of a hundred packets each way."""
        rule = f"numgen random mod 100 < {percent} counter drop"
        self._filter(rule, rule)

    def _filter(self, incoming: str, outgoing: str) -> None:
        chains = "".join(
            f"chain {hook} {{ type filter hook {hook} priority 0; policy accept; {rule}\n}}\n"
            for hook, rule in (("input", incoming), ("output", outgoing))
        )
        self.inside("nft", "-f", "-", text=f"table inet lab\ndelete table inet lab\ntable inet lab {{\n{chains}}}\n")

    def slow_down(self, kilobits: int) -> None:
        """Let so many kbit pass in a second, each way."""
        bucket = ("root", "tbf", "rate", f"{kilobits}kbit", "burst", "8kb", "latency", "400ms")
        self.inside("tc", "qdisc", "replace", "dev", "eth0", *bucket)
        run("tc", "qdisc", "replace", "dev", self.cable, *bucket)

    def pull_cable(self) -> None:
        run("ip", "link", "set", self.cable, "down")

    def heal_network(self) -> None:
        """Undo all of these."""
        if not self.is_up:
            return
        self.inside("nft", "delete", "table", "inet", "lab", is_checked=False)
        self.inside("tc", "qdisc", "del", "dev", "eth0", "root", is_checked=False)
        run("tc", "qdisc", "del", "dev", self.cable, "root", is_checked=False)
        run("ip", "link", "set", self.cable, "up")

    # --- the machine ---

    def reboot(self) -> None:
        """Down and up again; what ran is gone, files stay."""
        self.halt()
        self.boot()

    def fill_disk(self) -> None:
        """Leave no byte free in the home."""
        filler = "dd if=/dev/zero of=/home/batch/.filler bs=64k 2>/dev/null; dd if=/dev/zero bs=1 >>/home/batch/.filler"
        self.inside("sh", "-c", f"({filler}) 2>/dev/null; true")

    def free_disk(self) -> None:
        self.inside("rm", "-f", "/home/batch/.filler", is_checked=False)
