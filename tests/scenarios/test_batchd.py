"""What people who come from batchd rely on, on a running site."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.scenarios.site import SiteUnderTest, until
from tests.servers.sshd import Sshd

pytestmark = pytest.mark.scenario

LINES = 100_000
TALK = """
echo begun
: > {directory}/written
while [ ! -e {directory}/gate ]; do sleep 0.1; done
awk 'BEGIN {{
    for (i = 1; i <= {lines}; i++) {{ print "out " i; print "err " i > "/dev/stderr" }}
}}'
"""
SCRIPT = """#!/usr/bin/env bash
set -u
words=(one "$word" three)
for each in "${words[@]}"; do
    echo "<$each>"
done
"""


def numbered(word: str) -> bytes:
    return "".join(f"{word} {number}\n" for number in range(1, LINES + 1)).encode()


def size_of(site: SiteUnderTest, job: int, stream: str) -> int:
    return int(site.call("GET", f"jobs/{job}/output?stream={stream}&limit=0").headers["X-Output-Size"])


@pytest.mark.meets("BD-32")
@pytest.mark.parametrize("host", ["localhost", "far"])
def test_two_streams_are_seen_while_they_are_written_and_stay_whole_and_apart(
    shared_site: SiteUnderTest, tmp_path: Path, host: str
) -> None:
    site = shared_site
    job = site.submit(TALK.format(directory=tmp_path, lines=LINES), host=host)
    until((tmp_path / "written").exists, seconds=20, what="it writes")

    until(lambda: site.output(job) == b"begun\n", seconds=2, what="its first line is seen")
    (tmp_path / "gate").touch()
    [ended] = site.finished([job], seconds=60)

    assert ended["state"] == "succeeded"
    assert site.output(job) == b"begun\n" + numbered("out")
    assert site.output(job, "stderr") == numbered("err")
    assert size_of(site, job, "stdout") + size_of(site, job, "stderr") == size_of(site, job, "both")


def by_type(site: SiteUnderTest, name: str, on_fail: object, log: Path) -> str:
    """A type whose jobs write their name down and fail."""
    template = f"echo $who >> {log}; exit 3"
    params = [{"name": "who", "type": "String"}]
    site.post("job-types", {"name": name, "template": template, "params": params, "on_fail": on_fail})
    return name


@pytest.mark.meets("BD-27", "BD-28")
@pytest.mark.parametrize(
    ("on_fail", "order"),
    [
        pytest.param("continue", ["first", "second"], id="continue"),
        pytest.param("retry", ["first", "first", "second", "second"], id="retry"),
        pytest.param({"retry": {}}, ["first", "first", "second", "second"], id="retry in its longer form"),
        pytest.param({"retry": {"when": "now", "count": 2}}, ["first"] * 3 + ["second"] * 3, id="now 2"),
        pytest.param({"retry": {"when": "later", "count": 2}}, ["first", "second"] * 3, id="later 2"),
    ],
)
def test_a_failing_job_is_executed_once_and_then_as_often_as_its_type_says(
    shared_site: SiteUnderTest, tmp_path: Path, request: pytest.FixtureRequest, on_fail: object, order: list[str]
) -> None:
    site, log = shared_site, tmp_path / "log"
    name = request.node.callspec.id.replace(" ", "-")
    site.post("queues", {"name": name, "max_running": 1, "host": "localhost", "enabled": False})
    kind = by_type(site, name, on_fail, log)

    ids = site.submit_many([{"queue": name, "type": kind, "params": {"who": who}} for who in ("first", "second")])
    assert site.call("PATCH", f"queues/{name}", {"enabled": True}).status == 200
    jobs = site.finished(ids, seconds=30)

    assert log.read_text().split() == order
    for job in jobs:
        assert (job["state"], job["exit_code"]) == ("failed", 3)
        numbers = [attempt["number"] for attempt in job["attempts"]]
        assert numbers == list(range(1, len(order) // 2 + 1))


@pytest.mark.meets("BD-31")
@pytest.mark.parametrize("host", ["localhost", "far"])
def test_a_script_of_several_lines_runs_as_one_under_its_own_interpreter(shared_site: SiteUnderTest, host: str) -> None:
    site = shared_site
    params = [{"name": "word", "type": "String"}]
    site.post("job-types", {"name": f"script-{host}", "template": SCRIPT, "params": params})

    job = site.post("jobs", {"queue": "default", "type": f"script-{host}", "host": host, "params": {"word": "a  b"}})
    [ended] = site.finished([job["id"]], seconds=20)

    assert ended["state"] == "succeeded"
    assert site.output(job["id"]) == b"<one>\n<a  b>\n<three>\n"


@pytest.mark.meets("BD-31")
def test_what_was_run_is_removed_from_its_host_some_time_later(shared_site: SiteUnderTest, shared_sshd: Sshd) -> None:
    site = shared_site
    job = site.submit("echo kept", host="far")
    site.finished([job], seconds=20)
    [run] = (site.directory / "host-far").glob(f"*/runs/{job}.*")

    make_long_ago(run)
    shared_sshd.drop_sessions()  # a new connection looks at once for what is old

    until(lambda: not run.exists(), seconds=30, what="the run is removed")
    assert site.output(job) == b"kept\n"


def make_long_ago(run: Path) -> None:
    """Let a run have ended just after its machine was started."""
    first, _, rest = (run / "run").read_text().partition("\n")
    words = first.split(" ")
    words[2] = "1"
    (run / "run").write_text(" ".join(words).ljust(len(first)) + "\n" + rest)
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    os.utime(run, (long_ago.timestamp(), long_ago.timestamp()))


@pytest.mark.meets("BD-20")
def test_a_job_with_a_time_starts_then(shared_site: SiteUnderTest) -> None:
    site = shared_site
    due = datetime.now(UTC) + timedelta(seconds=3)

    job = site.submit("true", host="localhost", not_before=due.isoformat())
    [ended] = site.finished([job], seconds=20)

    delay = datetime.fromisoformat(ended["started_at"]) - due
    assert timedelta(0) <= delay < timedelta(seconds=2)


@pytest.mark.meets("BD-12")
def test_an_enabled_queue_starts_its_job_within_a_moment(shared_site: SiteUnderTest) -> None:
    site = shared_site
    site.post("queues", {"name": "shut", "enabled": False, "host": "localhost"})
    job = site.submit("true", queue="shut")
    assert [one["kind"] for one in site.get(f"jobs/{job}/explain")["blockers"]] == ["queue_disabled"]

    enabled_at = datetime.now(UTC)
    site.call("PATCH", "queues/shut", {"enabled": True})
    [ended] = site.finished([job], seconds=20)

    assert datetime.fromisoformat(ended["started_at"]) - enabled_at < timedelta(seconds=2)


@pytest.mark.meets("BD-33")
def test_a_running_job_is_removed_once_it_is_cancelled(shared_site: SiteUnderTest) -> None:
    site = shared_site
    job = site.submit("echo $$; exec sleep 600", host="localhost")
    until(lambda: site.output(job), seconds=20, what="it runs")
    pid = int(site.output(job))
    assert site.call("DELETE", f"jobs/{job}").status == 409

    site.call("POST", f"jobs/{job}/cancel")
    site.finished([job], seconds=20)

    assert not Path(f"/proc/{pid}").exists()
    assert site.call("DELETE", f"jobs/{job}").status == 204
    assert site.call("GET", f"jobs/{job}").status == 404
