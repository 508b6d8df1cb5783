"""Jobs that behave badly: on a host of their own, while the load goes on elsewhere."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.lab.fault import CATALOGUE, Details
from tests.lab.site import kill
from tests.lab.watching import ended, job, left, phases, seconds_until, submit
from tests.lab.yard import Lab

add = CATALOGUE.add
CROWD = 2_000
DEATHS = 3
KILLS_LIMIT = 8
INPUT_BYTES = 24_000_000


def told(found: dict[str, Any]) -> list[Any]:
    attempt = found["attempts"][-1] if found["attempts"] else {}
    return [found["state"], attempt.get("outcome"), found["reason"]]


@add(
    "F26",
    "fork-bomb",
    expected="other hosts go on; a kill ends it once a process can be started",
    seconds=(1.0, 3.0),
    is_random=False,
)
def fork_bomb(lab: Lab, chance: random.Random) -> Iterator[Details]:
    number = submit(lab, "b() { sleep 771 & b | b & }; b; sleep 771", host=lab.spare.name)
    grown = seconds_until(lambda: left(lab, "sleep 771") > 50, seconds=30)
    details: Details = {"grown_after_seconds": grown, "wrong": []}
    yield details
    lab.site.call("POST", f"jobs/{number}/kill", {})
    found = ended(lab, number, seconds=20)
    details["needed_root"] = found["finished_at"] is None
    if details["needed_root"]:
        # The account may start no process any more, so neither may we: its administrator has to make room.
        lab.spare.inside("pkill", "-KILL", "-f", "sleep 771", is_checked=False)
        found = ended(lab, number, seconds=60)
    details["told"] = told(found)
    if found["state"] != "failed" or left(lab, "sleep 771"):
        details["wrong"].append(f"after its kill it is {told(found)}, {left(lab, 'sleep 771')} processes live")


@add("F27", "daemon", expected="the job ends with its command; the cancel finds what escaped", is_random=False)
def daemon_left_behind(lab: Lab, chance: random.Random) -> Iterator[Details]:
    number = submit(lab, "(setsid sleep 772 &); (sleep 0.1 &); echo done", host=lab.spare.name)
    found = ended(lab, number, seconds=30)
    wrong = [] if found["state"] == "succeeded" else [f"a job with a daemon is {told(found)}"]
    number = submit(lab, "(setsid sleep 775 &); exec sleep 775", host=lab.spare.name)
    seconds_until(lambda: left(lab, "sleep 775") >= 2, seconds=30)
    lab.site.call("POST", f"jobs/{number}/cancel", {})
    found = ended(lab, number, seconds=30)
    if found["state"] != "cancelled" or left(lab, "sleep 775"):
        wrong.append(f"cancelled with a daemon, it is {told(found)}; {left(lab, 'sleep 775')} processes live")
    yield {"outlived": left(lab, "sleep 772"), "wrong": wrong}
    lab.spare.inside("pkill", "-f", "sleep 772", is_checked=False)


@add("F28", "deaf", expected="grace, then KILL; a stopped command as well", is_random=False)
def deaf_to_signals(lab: Lab, chance: random.Random) -> Iterator[Details]:
    lab.site.call("POST", "job-types", {"name": "deaf", "template": "exec sh -c -- $command", "grace": 1,
                  "params": [{"name": "command", "type": "String"}]})  # fmt: skip
    wrong = []
    for command in ("trap '' TERM; while :; do sleep 773; done", "kill -STOP $$; sleep 773"):
        number = submit(lab, command, host=lab.spare.name, type="deaf")
        phase = lambda number=number: [a["phase"] for a in job(lab, number)["attempts"]]  # noqa: E731
        seconds_until(lambda phase=phase: phase() == ["running"], seconds=20)  # type: ignore[misc]
        lab.site.call("POST", f"jobs/{number}/cancel", {})
        found = ended(lab, number, seconds=20)
        if found["state"] != "cancelled" or left(lab, "sleep 773"):
            wrong.append(f"cancelled, it is {told(found)}; {left(lab, 'sleep 773')} processes live")
    yield {"wrong": wrong}


# The directory in which the run's output is written is its own.
DIRECTORY_GONE = 'rm -rf "$(dirname "$(readlink /proc/$$/fd/1)")"; sleep {seconds}; exit 0'
# What supervises a run is its parent; another process that only waits is its heir.
SUPERVISOR_GONE = "echo begun; kill -9 $PPID; sleep 3; echo ended"
BOTH_GONE = "heir=$(cut -d' ' -f4 /proc/$PPID/stat); kill -9 $heir $PPID; sleep 3; exit 0"


@add(
    "F29",
    "hostile",
    expected="an end or output that is missing is lost, with the reason; never success",
    is_random=False,
)
def hostile(lab: Lab, chance: random.Random) -> Iterator[Details]:
    wanted = {
        DIRECTORY_GONE.format(seconds=3): ("failed", "lost"),
        DIRECTORY_GONE.format(seconds=776): ("failed", "lost"),
        SUPERVISOR_GONE: ("succeeded", "exited"),
        BOTH_GONE: ("failed", "lost"),
    }
    details: Details = {"told": [], "wrong": []}
    for command, (state, outcome) in wanted.items():
        number = submit(lab, command, host=lab.spare.name)
        found = ended(lab, number, seconds=90)
        details["told"].append(told(found))
        if told(found)[:2] != [state, outcome] or (state == "failed" and not found["reason"]):
            details["wrong"].append(f"{command!r} ended as {told(found)}, and is to be {state} ({outcome})")
        if left(lab, "sleep 776"):
            details["wrong"].append(f"{command!r} is {told(found)} and runs on")
        output = lab.site.ask("GET", f"/api/v1/jobs/{number}/output?stream=stdout").body
        if command == SUPERVISOR_GONE and output != b"begun\nended\n":
            details["wrong"].append(f"{command!r} left {output!r}")
    yield details


@add("F30", "crowd", expected="all end; the API answers meanwhile", is_random=False, seconds=(0.0, 0.0))
def crowd(lab: Lab, chance: random.Random) -> Iterator[Details]:
    one = {"queue": "default", "type": "command", "host": lab.spare.name, "params": {"command": "true"}}
    begun = time.monotonic()
    answer = lab.site.ask("POST", "/api/v1/jobs/bulk", {"jobs": [one] * CROWD}, seconds=120)
    ids = answer.json["ids"] if answer.status == 201 else []
    taken = time.monotonic() - begun
    waits = []
    while ids and job(lab, ids[-1])["finished_at"] is None and time.monotonic() - begun < 600:
        asked = time.monotonic()
        lab.site.ask("GET", "/api/v1/jobs?page_size=50")
        waits.append(time.monotonic() - asked)
        threading.Event().wait(0.5)
    seconds = round(time.monotonic() - begun, 1)
    slow = sorted(waits)[int(0.95 * len(waits))] if waits else None
    is_done = bool(ids) and seconds < 600
    yield {
        "taken_in_seconds": round(taken, 2), "ended_in_seconds": seconds, "list_p95_seconds": slow,
        "wrong": [] if is_done else [f"of {CROWD} jobs {len(ids)} were taken, and they ended in {seconds} s"],
    }  # fmt: skip


@add("F3", "deadly", expected="stopped after three engines have died of it, with the reason", is_random=False)
def deadly_attempt(lab: Lab, chance: random.Random) -> Iterator[Details]:
    files = lab.site.data / "files"
    files.mkdir(exist_ok=True)
    (files / "heavy").write_bytes(bytes(INPUT_BYTES))
    lab.site.call("POST", "job-types", {"name": "heavy", "template": "wc -c $input",
                  "params": [{"name": "input", "type": "InputFile"}]})  # fmt: skip
    lab.spare.slow_down(1000)
    asked = {"queue": "default", "type": "heavy", "host": lab.spare.name, "params": {"input": str(files / "heavy")}}
    number = int(lab.site.call("POST", "jobs", asked)["id"])
    kills = 0
    while job(lab, number)["finished_at"] is None and kills < KILLS_LIMIT:
        is_in_hand = seconds_until(lambda: phases(lab, lab.spare.name) == {"staging_in"}, seconds=60)
        # Long enough for an engine that has just begun to take the host over.
        threading.Event().wait(12)
        if is_in_hand is None or job(lab, number)["finished_at"] is not None:
            continue
        for process in lab.site.processes("engine"):
            kill(process)
        kills += 1
        seconds_until(lambda: bool(lab.site.processes("engine")) and lab.site.is_healthy(), seconds=90)
    found = job(lab, number)
    is_stopped = found["state"] == "failed" and "3 engines" in found["reason"] and kills >= DEATHS
    yield {"told": told(found), "kills": kills, "wrong": [] if is_stopped else [f"it ended as {told(found)}"]}
    lab.spare.heal_network()
