"""Faults that stand long enough for people to look, and what they have to be shown meanwhile."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator

from tests.lab.fault import CATALOGUE, Details
from tests.lab.faults_stores import broker
from tests.lab.watching import SHOWN_SECONDS, ended, host_state, left, phases, seconds_until
from tests.lab.yard import Lab

add = CATALOGUE.add
CUTS = 10
BIG_BYTES = 30_000_000
LOST_AFTER_SECONDS = 15


@add("F13", "shown", expected="unreachable within 30 s; back within 30 s after the end", is_random=False)
def partition_shown(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.partition()
    shown = seconds_until(lambda: phases(lab, host.name) == {"unreachable"}, seconds=SHOWN_SECONDS)
    told = host_state(lab, host.name)
    threading.Event().wait(40)
    details: Details = {"host": host.name, "shown_seconds": shown, "wrong": []}
    if shown is None or told != "unreachable":
        details["wrong"] = [f"after {SHOWN_SECONDS} s its runs were {phases(lab, host.name)} and the host {told}"]
    yield details
    host.heal_network()
    back = seconds_until(lambda: "unreachable" not in phases(lab, host.name), seconds=SHOWN_SECONDS)
    details["back_seconds"] = back
    if back is None:
        details["wrong"].append(f"{SHOWN_SECONDS} s after the end its runs were still unreachable")


@add(
    "F13", "lost-after", expected="given up when its owner says so; ended on the host once it is back", is_random=False
)
def given_up(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.spare
    kind = {"name": "impatient", "template": "exec sleep 774", "lost_after": LOST_AFTER_SECONDS}
    lab.site.call("POST", "job-types", kind)
    told = {"queue": "default", "type": "impatient", "host": host.name}
    number = int(lab.site.call("POST", "jobs", told)["id"])
    seconds_until(lambda: phases(lab, host.name) == {"running"}, seconds=20)
    host.partition()
    job = ended(lab, number, seconds=LOST_AFTER_SECONDS + 45)
    attempt = job["attempts"][0]
    details: Details = {"host": "", "reason": job["reason"], "wrong": []}
    if (job["state"], attempt["outcome"]) != ("failed", "lost"):
        details["wrong"] = [f"it is {job['state']} ({attempt['outcome']}), {job['reason']}"]
    if not left(lab, "sleep 774"):
        details["wrong"].append("what was given up had ended by itself, so nothing is proved")
    yield details
    host.heal_network()
    details["gone_seconds"] = seconds_until(lambda: not left(lab, "sleep 774"), seconds=60)
    if details["gone_seconds"] is None:
        details["wrong"].append("what was given up still runs a minute after its host is back")


@add("F15", "rate", expected="at most one connection in 5 s, after the first few", is_random=False)
def refused_rate(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.some_host(chance)
    host.refuse()
    threading.Event().wait(40)
    listed = host.inside("nft", "list", "table", "inet", "lab")
    tries = sum(map(int, re.findall(r"counter packets (\d+)", listed)))
    # 40 s at one in 5 s, and three that come faster after the break. Each open connection adds one segment.
    wrong = [] if tries <= 40 / 5 + 3 + 6 else [f"{tries} segments were refused in 40 s"]
    yield {"host": host.name, "segments": tries, "wrong": wrong}
    host.heal_network()


@add("F24", "cuts", expected="every byte once and in order, however often the connection is cut", is_random=False)
def output_with_cuts(lab: Lab, chance: random.Random) -> Iterator[Details]:
    host = lab.hosts[0]
    params = {"seconds": "20", "bytes": str(BIG_BYTES), "seed": str(chance.randrange(1 << 30)), "code": "0"}
    told = {"queue": "default", "type": "oracle", "host": host.name, "priority": 100, "params": params}
    number = int(lab.site.call("POST", "jobs", told)["id"])
    seconds_until(lambda: bool(lab.site.call("GET", f"jobs/{number}")["attempts"]), seconds=30)
    pause = threading.Event()
    for _ in range(CUTS):
        pause.wait(chance.uniform(1.0, 3.0))
        host.drop_sessions()
        host.start_sshd()
    yield {"host": host.name, "job": number, "cuts": CUTS}
    ended(lab, number, seconds=60)


@add("F7", "redelivered", expected="every message twice: nothing begins twice", seconds=(8.0, 12.0), shapes=("site",))
def redelivered(lab: Lab, chance: random.Random) -> Iterator[Details]:
    over, sent = threading.Event(), [0]
    thread = threading.Thread(target=send_again, args=(lab, over, sent), daemon=True)
    thread.start()
    details: Details = {}
    yield details
    over.set()
    thread.join(10)
    details["sent_again"] = sent[0]


def send_again(lab: Lab, over: threading.Event, sent: list[int]) -> None:
    """Put every message that is sent into its queue once more, and empty everything now and then."""
    emptied = time.monotonic()
    known: set[str] = set()
    with broker(lab).line.monitor() as monitor:  # type: ignore[no-untyped-call]
        for said in monitor.listen():
            words = str(said["command"]).split(" ", 2)
            if over.is_set():
                return
            if words[0].upper() == "LPUSH" and words[2] not in known:
                known.add(words[2])
                sent[0] += 1
                broker(lab).line.execute_command("LPUSH", words[1], words[2])  # type: ignore[no-untyped-call]
            if time.monotonic() - emptied > 3:
                emptied = time.monotonic()
                broker(lab).line.flushall()
