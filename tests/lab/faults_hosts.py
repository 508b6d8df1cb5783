"""Faults of hosts and of the way to them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from tests.lab.fault import CATALOGUE, Details
from tests.lab.host import LabHost
from tests.lab.yard import Lab

add = CATALOGUE.add


@add("F10", "no-listener", expected="runs go on over the open session; nothing ends")
def listener_killed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.stop_listening()
    yield {"host": host.name}
    host.start_sshd()


@add("F11", "sessions-dropped", expected="reconnected within 30 s, runs are taken up again", seconds=(0.0, 2.0))
def sessions_dropped(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.drop_sessions()
    yield {"host": host.name}
    host.start_sshd()


@add("F12", "frozen", expected="every wait is bounded; other hosts go on", seconds=(2.0, 12.0))
def sshd_frozen(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.freeze()
    yield {"host": host.name}
    host.thaw()


@add("F13", "partition", expected="unreachable, then running again; nothing starts twice", seconds=(2.0, 14.0))
def silent_partition(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.partition()
    yield {"host": host.name}
    host.heal_network()


@add("F14", "answers-lost", expected="the gate on the host lets each run start once", seconds=(1.0, 12.0))
def answers_lost(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.partition("out")
    yield {"host": host.name}
    host.heal_network()


@add("F14", "requests-lost", expected="the gate on the host lets each run start once", seconds=(1.0, 12.0))
def requests_lost(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.partition("in")
    yield {"host": host.name}
    host.heal_network()


@add("F15", "refused", expected="backs off: at most one connection in 5 s once it is known", seconds=(1.0, 8.0))
def refused(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.refuse()
    yield {"host": host.name}
    host.heal_network()


@add("F16", "cable", expected="5 s: the session continues; longer: reconnected", seconds=(1.0, 8.0))
def cable_pulled(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.pull_cable()
    yield {"host": host.name}
    host.heal_network()


@add("F17", "loss", expected="slower, nothing else", seconds=(2.0, 8.0))
def packets_lost(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host, percent = lab.some_host(chance), chance.choice((5, 20, 50))
    host.lose(percent)
    yield {"host": host.name, "percent": percent}
    host.heal_network()


@add("F18", "slow", expected="output comes late, leases are kept", seconds=(2.0, 8.0))
def slow_link(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host, kilobits = lab.some_host(chance), chance.choice((64, 512))
    host.slow_down(kilobits)
    yield {"host": host.name, "kilobits": kilobits}
    host.heal_network()


@add("F19", "reboot", expected="what ran is lost, and says that the host was rebooted", seconds=(0.0, 2.0))
def rebooted(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    yield halted(host)
    host.boot()


@add("F20", "power-cut", expected="as a reboot, though nobody is told", seconds=(1.0, 10.0))
def power_cut(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.partition()
    yield halted(host)
    host.boot()


def halted(host: LabHost) -> Details:
    """Switch a host off, and say when: before and after that moment."""
    before = time.time()
    host.halt()
    return {"host": host.name, "halted": [host.name, before, time.time()]}


@add("F21", "host-key", expected="refused and told; goes on once the known key is back", seconds=(2.0, 6.0))
def host_key_changed(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.new_host_key()
    yield {"host": host.name}
    host.old_host_key()


@add("F22", "disk-full", expected="ENOSPC reaches the command; every exit status is known", seconds=(2.0, 6.0))
def host_disk_full(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.fill_disk()
    yield {"host": host.name}
    host.free_disk()
