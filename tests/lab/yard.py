"""The lab as a whole: hosts, a site, what it is given to do, and where the evidence is kept."""

from __future__ import annotations

import random
import shutil
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.lab.host import LabHost, make_network, run
from tests.lab.names import ZONE, Names
from tests.lab.records import Ledger, OracleLogs
from tests.lab.site import LabSite, Shape
from tests.servers.sshd import make_key

HERE: Final = "localhost"
SEATS: Final = 6
POOL_LIMIT: Final = 8
WINDOW: Final = timedelta(minutes=1)
WINDOWS: Final = 150
PARAMETERS: Final = ("seconds", "bytes", "seed", "code")


class Lab:
    """Built up by `start`, taken down by `stop`. `directory` keeps the evidence after that."""

    def __init__(
        self, directory: Path, *, shape: Shape, hosts: int = 3, variables: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.oracle = directory / "oracle"
        self.hosts = [LabHost(directory / "hosts", number=n + 1) for n in range(hosts)]
        # Takes no part in the load: for jobs that behave badly on purpose.
        self.spare = LabHost(directory / "hosts", number=hosts + 1)
        # The last host is known by a name, the others by their addresses.
        self.names = Names({f"{self.hosts[-1].name}.{ZONE}": self.hosts[-1].address})
        self.clock = directory / "clock"
        preload = {"LD_PRELOAD": str(directory / "clock.so"), "LAB_CLOCK": str(self.clock)}
        self.site = LabSite(shape, directory / "site", variables={**preload, **(variables or {})})
        self.logs = OracleLogs(self.oracle)
        self.faults = Ledger(directory / "faults.jsonl")
        self.requests = Ledger(directory / "requests.jsonl")
        self._client_key = directory / "client"

    def start(self) -> None:
        self.directory.chmod(0o755)
        closed = [place for place in self.directory.parents if not place.stat().st_mode & stat.S_IXOTH]
        if closed:
            raise ValueError(f"{self.directory} is of no use: the hosts' account may not enter {closed[0]}.")
        self.oracle.mkdir()
        self.oracle.chmod(0o1777)
        shutil.copyfile(Path(__file__).with_name("oracle_job.py"), self.directory / "oracle_job.py")
        make_key(self._client_key, kind="ed25519")
        make_network()
        self.names.start(self.directory)
        self.clock.write_text("0")
        self.clock.chmod(0o644)
        source = Path(__file__).with_name("clock.c")
        run("gcc", "-shared", "-fPIC", "-O2", "-o", self.directory / "clock.so", source, "-ldl")
        for host in self.machines:
            host.make(self._client_key)
            host.boot()
        (self.directory / "site").mkdir()
        self.site.start()
        self._define()

    def stop(self) -> None:
        self.site.stop()
        for host in self.machines:
            host.halt()

    @property
    def machines(self) -> list[LabHost]:
        return [*self.hosts, self.spare]

    def host(self, name: str) -> LabHost:
        return next(host for host in self.hosts if host.name == name)

    def some_host(self, chance: random.Random) -> LabHost:
        return chance.choice(self.hosts)

    @property
    def host_names(self) -> list[str]:
        return [HERE, *(host.name for host in self.hosts)]

    @property
    def brisk(self) -> str | None:
        """The host that has only short jobs of one kind, so that they are handed to it ahead. None: too few hosts."""
        return self.hosts[1].name if len(self.hosts) > 2 else None

    # --- what the site is told ---

    def _define(self) -> None:
        call = self.site.call
        call("PATCH", f"hosts/{HERE}", {"seats": SEATS})
        for host in self.machines:
            self._add(host)
        call("POST", "pools", {"name": "everywhere", "hosts": [name for name in self.host_names if name != self.brisk]})
        call("POST", "queues", {"name": "spread", "pool": "everywhere", "max_running": POOL_LIMIT})
        call("POST", "schedules", {"name": "minutes", "zone": "UTC", "periods": self._periods()})
        call("POST", "queues", {"name": "windowed", "pool": "everywhere", "schedule": "minutes"})
        # Whatever clock the host has been given: the oracle's is the true one.
        program = f"unset LD_PRELOAD; exec /usr/bin/python3 -IS {self.directory}/oracle_job.py {self.oracle}"
        kind = {
            "name": "oracle", "template": program + "".join(f" ${name}" for name in PARAMETERS),
            "params": [{"name": name, "type": "String", "required": True} for name in PARAMETERS],
        }  # fmt: skip
        call("POST", "job-types", kind)
        again: dict[str, Any] = {"name": "again", "on_fail": {"retry": {"count": 2}}}
        call("POST", "job-types", kind | again)
        self._write_rules()

    def _add(self, host: LabHost) -> None:
        keys = self.site.data / "keys"
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(self._client_key, keys / host.name)
        (keys / host.name).chmod(0o600)
        names = {address: name for name, address in self.names.addresses.items()}
        told = {
            "name": host.name, "transport": "ssh", "address": names.get(host.address, host.address),
            "user": host.user, "key": host.name, "host_keys": [host.public_key], "seats": SEATS,
        }  # fmt: skip
        self.site.call("POST", "hosts", told)

    def _periods(self) -> list[dict[str, str]]:
        """Open every other minute, for as long as any run of the lab takes."""
        first = datetime.now(UTC).replace(second=0, microsecond=0)
        opens = [first + 2 * n * WINDOW for n in range(WINDOWS)]
        return [{"begin": f"{at:%H:%M}", "end": f"{at + WINDOW:%H:%M}"} for at in opens]

    def _write_rules(self) -> None:
        """What the checker has to know: limits, windows, retries."""
        first = datetime.now(UTC).replace(second=0, microsecond=0).timestamp()
        Ledger(self.directory / "rules.jsonl").write(
            seats=dict.fromkeys([*self.host_names, "controller"], SEATS), queues={"spread": POOL_LIMIT},
            windowed={"queue": "windowed", "open_from": first, "every": 2 * WINDOW.seconds, "lasts": WINDOW.seconds},
            retries={"oracle": 0, "again": 2}, shape=self.site.shape,
        )  # fmt: skip
