"""What happens to a job while it runs: output, limits, kills, pauses, windows."""

from __future__ import annotations

import hashlib
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from tests.scenarios.site import SiteUnderTest, until

pytestmark = pytest.mark.scenario

# In the command line of what these jobs leave, and of nobody else's: others run the same tests beside us.
MARK = f"987.{os.getpid()}"
# Twice forked, a session of its own, TERM ignored: what escapes a process group.
ESCAPING = f"""
trap '' TERM
(setsid sh -c 'trap "" TERM; sleep {MARK} & wait; sleep {MARK}' &) &
echo ready
sleep {MARK}; sleep {MARK}
"""
BIG_BYTES = 100_000_000
EMIT = f"""python3 -c '
import sys, random
r = random.Random(7)
block = r.randbytes(1 << 16)
for stream in (sys.stdout, sys.stderr) * ({BIG_BYTES} // (1 << 16)):
    stream.buffer.write(block)
    stream.buffer.flush()
'"""


def survivors() -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if MARK in (p.info["cmdline"] or [])]


@pytest.mark.meets("BD-33")
@pytest.mark.parametrize("host", ["localhost", "far"])
@pytest.mark.parametrize(
    ("action", "state", "outcome"), [("cancel", "cancelled", "cancelled"), ("kill", "failed", "killed")]
)
def test_ending_a_job_leaves_no_process_of_it(
    shared_site: SiteUnderTest, host: str, action: str, state: str, outcome: str
) -> None:
    site = shared_site
    kind = {"name": f"{action}-{host}", "template": "exec sh -c -- $command", "grace": 1}
    site.post("job-types", {**kind, "params": [{"name": "command", "type": "String"}]})
    job = site.post("jobs", {"queue": "default", "type": kind["name"], "host": host, "params": {"command": ESCAPING}})[
        "id"
    ]
    until(lambda: site.output(job) == b"ready\n" and len(survivors()) >= 2, seconds=20, what="it runs")

    assert site.call("POST", f"jobs/{job}/{action}").status == 202

    [ended] = site.finished([job], seconds=6 + 5)
    assert (ended["state"], ended["attempts"][0]["outcome"]) == (state, outcome)
    assert survivors() == []


@pytest.mark.meets("BD-39")
def test_a_time_limit_ends_the_job_and_says_so(shared_site: SiteUnderTest) -> None:
    site = shared_site
    site.post("job-types", {"name": "limited", "template": f"echo begun; sleep {MARK}", "time_limit": 1})

    job = site.post("jobs", {"queue": "default", "type": "limited"})["id"]
    [ended] = site.finished([job], seconds=20)

    assert (ended["state"], ended["attempts"][0]["outcome"]) == ("failed", "timed_out")
    assert "1 s" in ended["reason"]
    assert (site.output(job), survivors()) == (b"begun\n", [])


@pytest.mark.meets("BD-26")
@pytest.mark.parametrize("host", ["localhost", "far"])
def test_endings_are_told_apart(shared_site: SiteUnderTest, host: str) -> None:
    site = shared_site
    codes = [0, 1, 37, 126, 127, 137, 255]
    signals = {"KILL": 9, "TERM": 15, "SEGV": 11}

    by_code = [site.submit(f"exit {code}", host=host) for code in codes]
    by_signal = [site.submit(f"kill -{name} $$", host=host) for name in signals]
    jobs = site.finished([*by_code, *by_signal], seconds=30)

    assert [job["exit_code"] for job in jobs[: len(codes)]] == codes
    assert {job["attempts"][0]["outcome"] for job in jobs[: len(codes)]} == {"exited"}
    assert [job["attempts"][0]["signal"] for job in jobs[len(codes) :]] == list(signals.values())
    assert {job["attempts"][0]["outcome"] for job in jobs[len(codes) :]} == {"signalled"}


@pytest.mark.parametrize("host", ["localhost", "far"])
def test_a_command_that_removes_its_own_directory_is_lost(shared_site: SiteUnderTest, host: str) -> None:
    site = shared_site
    job = site.submit('rm -rf "$(dirname "$(readlink /proc/$$/fd/1)")"; echo unheard; exit 0', host=host)

    [ended] = site.finished([job], seconds=20)

    assert (ended["state"], ended["attempts"][0]["outcome"]) == ("failed", "lost")
    assert "run directory" in ended["reason"]


def test_a_run_without_a_record_is_ended_before_it_is_tried_again(shared_site: SiteUnderTest, tmp_path: Path) -> None:
    site, first = shared_site, tmp_path / "first"
    vandal = f'echo $$ >{first}; rm -rf "$(dirname "$(readlink /proc/$$/fd/1)")"; sleep {MARK}; exit 1'
    command = f"if [ -e {first} ]; then kill -0 $(cat {first}) && echo alive; exit 0; fi; {vandal}"
    kind = {"name": "vandal", "template": "exec sh -c -- $command", "on_fail": {"retry": {"count": 1}}}
    site.post("job-types", {**kind, "params": [{"name": "command", "type": "String"}]})

    job = site.post("jobs", {"queue": "default", "type": "vandal", "params": {"command": command}})["id"]
    [ended] = site.finished([job], seconds=60)

    assert [attempt["outcome"] for attempt in ended["attempts"]] == ["lost", "exited"]
    assert (ended["state"], site.output(job), survivors()) == ("succeeded", b"", [])


@pytest.mark.parametrize("host", ["localhost", "far"])
def test_a_paused_job_stands_still_and_goes_on(shared_site: SiteUnderTest, host: str) -> None:
    site = shared_site
    job = site.submit("i=0; while [ $i -lt 20 ]; do echo $i; i=$((i+1)); sleep 0.1; done", host=host)
    until(lambda: site.output(job), seconds=20, what="it writes")

    assert site.call("POST", f"jobs/{job}/pause").status == 202
    until(lambda: site.job(job)["attempts"][0]["phase"] == "paused", seconds=10, what="it is paused")
    assert site.call("POST", f"jobs/{job}/resume").status == 202

    [ended] = site.finished([job], seconds=20)
    assert ended["state"] == "succeeded"
    assert site.output(job) == b"".join(b"%d\n" % n for n in range(20))


@pytest.mark.meets("BD-32")
@pytest.mark.parametrize("host", ["localhost", "far"])
def test_two_hundred_megabytes_come_whole_and_no_process_grows(shared_site: SiteUnderTest, host: str) -> None:
    site = shared_site
    before = {p.pid: p.memory_info().rss for p in site.processes()}

    job = site.submit(EMIT, host=host)
    [ended] = site.finished([job], seconds=120)

    blocks = BIG_BYTES // (1 << 16)
    assert ended["state"] == "succeeded"
    sizes = {p.pid: p.memory_info().rss for p in site.processes()}
    assert max(sizes[pid] - before.get(pid, sizes[pid]) for pid in sizes) < 100_000_000
    for stream in ("stdout", "stderr"):
        data = site.output(job, stream)
        assert len(data) == blocks << 16
        assert hashlib.sha256(data).hexdigest() == emitted(blocks)


def emitted(blocks: int) -> str:
    """The sha256 of what EMIT writes to each stream."""
    block = random.Random(7).randbytes(1 << 16)
    return hashlib.sha256(block * blocks).hexdigest()


@pytest.mark.meets("BD-20")
def test_a_job_waits_for_its_window_says_until_when_and_starts_at_once(shared_site: SiteUnderTest) -> None:
    site = shared_site
    opens = (datetime.now(UTC) + timedelta(seconds=4)).replace(microsecond=0)
    closes = opens + timedelta(minutes=2)
    site.post(
        "schedules",
        {
            "name": "soon", "zone": "UTC",
            "periods": [{"begin": f"{opens:%H:%M:%S}", "end": f"{closes:%H:%M:%S}"}],
        },
    )  # fmt: skip
    site.post("queues", {"name": "windowed", "schedule": "soon"})

    job = site.submit("true", queue="windowed", host="localhost")
    explained = site.get(f"jobs/{job}/explain")
    [ended] = site.finished([job], seconds=30)

    assert not explained["startable"]
    [blocker] = explained["blockers"]
    assert blocker["kind"] == "window_closed"
    assert datetime.fromisoformat(blocker["until"]) == opens
    delay = datetime.fromisoformat(ended["started_at"]) - opens
    assert timedelta(0) <= delay < timedelta(seconds=1)
