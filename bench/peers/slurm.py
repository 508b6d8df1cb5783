"""Slurm on one node: its three daemons with keys, ports and directories of their own, tuned to start jobs at once."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench.peers.kinds import WORKERS
from bench.peers.servers import START_SECONDS, program, started
from bench.processes import until
from bench.rows import NotPossible

# One pass a second at most, and nothing held back to be started together.
TUNED: Final = "sched_min_interval=0,batch_sched_delay=0,default_queue_depth=1000"


@contextmanager
def slurm(directory: Path) -> Iterator[dict[str, str]]:
    """The environment in which `sbatch` reaches it. Needs root, as Slurm itself does."""
    if os.getuid() != 0:
        raise NotPossible("Slurm's daemons want root.")
    configuration = _configure(directory)
    env = os.environ | {"SLURM_CONF": str(configuration)}
    munge = [program("munged"), "-F", "-f", "-S", f"{directory}/munge.sock", f"--key-file={directory}/munge.key"]
    munge += [f"--{kind}-file={directory}/munged.{kind}" for kind in ("pid", "log", "seed")]
    node = socket.gethostname().partition(".")[0]
    with ExitStack() as stack:
        stack.enter_context(started(munge, directory=directory))
        until((directory / "munge.sock").exists, seconds=START_SECONDS, what="munge answers")
        for command in ([program("slurmctld"), "-D", "-i"], [program("slurmd"), "-D", "-N", node]):
            stack.enter_context(started([*command, "-f", str(configuration)], directory=directory, env=env))
        until(lambda: _is_idle(env), seconds=START_SECONDS, what="Slurm's node is idle")
        yield {"SLURM_CONF": str(configuration)}


def _is_idle(env: dict[str, str]) -> bool:
    asked = subprocess.run([program("sinfo"), "-h", "-o", "%T"], env=env, capture_output=True, text=True, check=False)
    return asked.stdout.strip() == "idle"


def _configure(directory: Path) -> Path:
    key = directory / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    # munged minds who owns what it reads, and all above it.
    os.chown(key, 0, pwd.getpwuid(0).pw_gid)
    for name in ("state", "spool"):
        (directory / name).mkdir()
    node = socket.gethostname().partition(".")[0]
    controller, worker = _free_ports()
    path = directory / "slurm.conf"
    path.write_text(
        f"ClusterName=bench\nSlurmctldHost={node}(127.0.0.1)\nSlurmUser=root\nSlurmctldPort={controller}\n"
        f"SlurmdPort={worker}\nAuthType=auth/munge\nAuthInfo=socket={directory}/munge.sock\nCredType=cred/munge\n"
        f"StateSaveLocation={directory}/state\nSlurmdSpoolDir={directory}/spool\n"
        f"SlurmctldPidFile={directory}/slurmctld.pid\nSlurmdPidFile={directory}/slurmd.pid\n"
        f"ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nMpiDefault=none\nReturnToService=2\n"
        f"SchedulerType=sched/builtin\nSchedulerParameters={TUNED}\nSelectType=select/cons_tres\n"
        f"SelectTypeParameters=CR_Core\nAccountingStorageType=accounting_storage/none\n"
        f"NodeName={node} NodeAddr=127.0.0.1 CPUs={WORKERS} State=UNKNOWN\n"
        f"PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n"
    )
    return path


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
