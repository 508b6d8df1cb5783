"""Jobs from the command line, at a real site."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.clients.parts import Yard, one_line_of
from tests.scenarios.site import SiteUnderTest, until

pytestmark = pytest.mark.scenario

FAR = "2030-01-01 00:00"


@pytest.fixture(scope="module", autouse=True)
def adder(yard_site: SiteUnderTest) -> None:
    """A job type with two parameters."""
    params: list[dict[str, Any]] = [{"name": "a", "required": True}, {"name": "b", "type": "Int", "default": "1"}]
    yard_site.post("job-types", {"name": "adder", "template": 'echo "$a/$b"', "params": params})


def waiting(yard: Yard, *words: str) -> int:
    """A job that does not start."""
    return int(yard.json("submit", "true", "--hold", *words)["id"])


@pytest.mark.meets("BD-54")
def test_bare_values_fill_parameters_in_order_and_named_ones_win(yard: Yard) -> None:
    def params(*words: str) -> Any:
        return yard.json("submit", "--type", "adder", "--hold", *words)["params"]

    assert params("x") == {"a": "x", "b": "1"}
    assert params("x", "7") == {"a": "x", "b": "7"}
    assert params("x", "7", "-p", "a=y=z") == {"a": "y=z", "b": "7"}
    assert params("-p", "a=") == {"a": "", "b": "1"}
    assert params("--", "-rf", "-1") == {"a": "-rf", "b": "-1"}
    assert params("@/etc/passwd") == {"a": "@/etc/passwd", "b": "1"}


@pytest.mark.meets("BD-55")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["x", "1", "2"], 'type "adder" takes 2: a, b', id="too many"),
        pytest.param(["x", "-p", "bb=1"], "There is no parameter 'bb'. Did you mean \"b\"?", id="parameter"),
        pytest.param(["x", "one"], "whole number", id="a value of another type"),
        pytest.param(["x", "-q", "defalt"], 'Did you mean "default"?', id="queue"),
        pytest.param(["x", "-t", "ader"], 'Did you mean "adder"?', id="type"),
        pytest.param(["x", "-h", "localhst"], 'Did you mean "localhost"?', id="host"),
        pytest.param(["x", "--upload", "a=/no/such"], "There is no file /no/such", id="file"),
        pytest.param(["--from", "/no/such"], "Cannot read /no/such", id="file of jobs"),
    ],
)
def test_what_the_site_refuses_is_one_line_that_helps(yard: Yard, words: list[str], told: str) -> None:
    result = yard("submit", "--type", "adder", *words) if "-t" not in words else yard("submit", *words)

    assert told in one_line_of(result, status=2 if "takes 2" in told else 1)


@pytest.mark.meets("BD-55")
def test_a_job_is_submitted_followed_and_ends_as_it_did(yard: Yard) -> None:
    result = yard("submit", r"printf 'ä \033[31mred\033[0m\n'; sleep 0.3; echo late >&2; exit 3", "--follow")

    assert (result.status, result.out) == (3, "ä red\nlate\n")
    assert re.fullmatch(r"Job (\d+)\nJob \1 failed, exit code 3: .*\n", result.err)


@pytest.mark.parametrize(("command", "status"), [("true", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_waiting_exits_as_the_job_did(yard: Yard, command: str, status: int) -> None:
    result = yard("submit", command, "--wait", "--json")

    assert result.status == status
    assert result.json["finished_at"]


def test_a_job_without_an_exit_code_is_125(yard: Yard) -> None:
    job = waiting(yard)
    yard.ok("job", "cancel", str(job))
    key = ["--key", f"cancelled-{job}"]
    first = yard.json("submit", "true", "--hold", *key)["id"]
    yard.ok("job", "cancel", str(first))

    assert yard("submit", "true", "--hold", "--wait", *key).status == 125


def test_the_same_key_makes_no_second_job(yard: Yard) -> None:
    ids = {yard.json("submit", "true", "--key", "once")["id"] for _ in range(3)}

    assert len(ids) == 1
    assert "other words" in one_line_of(yard("submit", "false", "--key", "once"), status=1)


def test_a_job_may_start_later(yard: Yard) -> None:
    job = yard.json(
        "submit", "true", "--at", "in 2 hours", "--notes", "Grüße, 'x'", "--priority", "-5", "-h", "localhost"
    )

    begin = datetime.fromisoformat(job["not_before"])
    assert timedelta(minutes=118) < begin - datetime.now(UTC) < timedelta(minutes=121)
    assert (job["notes"], job["priority"], job["host"]) == ("Grüße, 'x'", -5, "localhost")
    assert "not to start before" in yard.ok("explain", str(job["id"]))
    assert yard.json("explain", str(job["id"]))["startable"] is False


def test_many_jobs_from_a_file_are_taken_once(yard: Yard) -> None:
    rows = "type,a,b\n" + "".join(f"adder,s{number},{number}\n" for number in range(25))
    (yard.home / "jobs.csv").write_text(rows)
    lines = "".join(json.dumps({"params": {"command": f"true {number}"}}) + "\n" for number in range(3))

    first = yard.json("submit", "--from", "jobs.csv", "--hold", "--key", "batch")["ids"]
    again = yard.json("submit", "--from", "jobs.csv", "--hold", "--key", "batch")["ids"]
    piped = yard.ok("submit", "--from", "-", "--hold", stdin=lines.encode())

    assert len(first) == 25
    assert again == first
    assert yard.json("job", str(first[7]))["params"] == {"a": "s7", "b": "7"}
    assert re.fullmatch(r"Jobs \d+ to \d+ \(3\) are taken\.\n", piped)


def test_a_list_with_one_impossible_job_is_not_taken_at_all(yard: Yard) -> None:
    before = yard.json("ls", "--all", "--limit", "0")["results"]
    (yard.home / "jobs.csv").write_text("type,a,b\nadder,x,1\nadder,x,one\n")

    assert "jobs[1].params.b" in one_line_of(yard("submit", "--from", "jobs.csv"), status=1)

    assert len(yard.json("ls", "--all", "--limit", "0")["results"]) == len(before)


def test_jobs_are_listed_by_queue_and_state(yard: Yard) -> None:
    yard.ok("queue", "add", "listed")
    jobs = [waiting(yard, "-q", "listed", "-n", f"n{number}") for number in range(4)]
    yard.ok("job", "cancel", str(jobs[0]))

    def listed(*words: str) -> list[int]:
        return [row["id"] for row in yard.json("ls", *words)["results"]]

    assert listed("listed") == jobs[:0:-1]
    assert listed("listed", "--all") == jobs[::-1]
    assert listed("listed", "-s", "cancelled,failed") == jobs[:1]
    assert listed("listed", "--limit", "2") == [jobs[3], jobs[2]]
    assert listed("listed", "default", "--limit", "1") == [jobs[3]]
    assert 'Did you mean "listed"?' in one_line_of(yard("ls", "lsted"), status=1)
    assert yard.json("stats", "listed")["listed"]["cancelled"] == 1


def test_a_waiting_job_is_changed_moved_held_and_ended(yard: Yard) -> None:
    yard.ok("queue", "add", "elsewhere")
    job, other = str(waiting(yard)), waiting(yard)

    yard.ok("job", "update", job, "--notes", "for Ann", "--at", FAR, "--host", "localhost")
    changed = yard.json("job", job)
    assert (changed["notes"], changed["host"], changed["not_before"][:10]) == ("for Ann", "localhost", "2030-01-01")
    cleared = yard.json("job", "update", job, "--at", "any", "--host", "*")
    assert (cleared["host"], cleared["not_before"]) == (None, None)
    assert yard.json("job", "priority", job, "5")["priority"] == 5
    assert yard.json("job", "priority", job, "--", "-5")["priority"] == -5
    assert yard.ok("job", "priority", job, "first") == f"Job {job} is moved: first.\n"
    yard.ok("job", "priority", job, "less")
    yard.ok("job", "move", job, "--up")
    assert yard.json("job", "move", job, "--queue", "elsewhere")["queue"] == "elsewhere"
    yard.ok("job", "move", job, "--queue", "default", "--before", str(other))
    yard.ok("job", "release", job)
    assert yard("submit", "true", "--wait").status == 0
    assert "held" in yard.ok("job", "events", job)


def test_many_jobs_are_asked_and_the_worst_answer_is_the_status(yard: Yard) -> None:
    jobs = [str(waiting(yard)) for _ in range(2)]

    result = yard("job", "cancel", jobs[0], "999999", jobs[1])

    assert result.status == 1
    assert result.out == f"Job {jobs[0]} is cancelled.\nJob {jobs[1]} is cancelled.\n"
    assert "Job 999999: There is no job 999999." in result.err
    told = yard("job", "delete", *jobs, "999999", "--json").json["results"]
    assert [bool(row.get("deleted")) for row in told] == [True, True, False]
    assert "There is no job" in one_line_of(yard("job", jobs[0]), status=1)


def test_a_running_job_is_paused_resumed_and_killed(yard: Yard) -> None:
    job = str(yard.json("submit", "sleep 60 & wait")["id"])
    with yard.program("logs", job, "--follow") as following:
        for word in ("pause", "resume", "kill"):
            assert "is being carried out" in until_ok(yard, "job", word, job)
        assert following.wait(30) == 0
    assert yard.json("job", "retry", job)["state"] in {"ready", "running"}
    yard.ok("job", "cancel", job)


def until_ok(yard: Yard, *words: str) -> str:
    """What the command says once the job is where it can be asked this."""
    from_site: list[str] = []

    def done() -> bool:
        result = yard(*words)
        from_site[:] = [result.out]
        return result.status == 0

    until(done, seconds=30, what=" ".join(words))
    return from_site[0]


def test_output_is_shown_by_stream_and_attempt_and_as_it_is(yard: Yard) -> None:
    command = r"printf 'out\033[1m\r\n\377'; echo err >&2; exit 1"
    job = str(yard("submit", command, "--wait", "--json").json["id"])

    assert yard.ok("logs", job, "--stream", "stderr") == "err\n"
    assert yard.ok("logs", job, "--stream", "stdout") == "out\n\ufffd"
    assert yard.ok("logs", job, "--stream", "stdout", "--raw") == "out\x1b[1m\r\n\\xff"
    assert yard.json("logs", job, "--stream", "stderr")["output"] == "err\n"
    assert yard.json("job", "result", job)["results"][0]["output"].endswith("err\n")
    assert "exited" in yard.ok("job", "result", job, "--all")
    assert "has no attempt 9" in one_line_of(yard("logs", job, "--attempt", "9"), status=1)
    assert "has not run yet" in one_line_of(yard("job", "result", str(waiting(yard))), status=1)


def test_files_go_there_and_results_come_back(yard: Yard) -> None:
    params = [{"name": "input", "type": "InputFile"}, {"name": "report", "type": "OutputFile"}]
    kind = {"template": "wc -c < $input > $report", "params": params}
    (yard.home / "type.json").write_text(json.dumps(kind))
    (yard.home / "ein gang.txt").write_bytes(b"12345")
    yard.ok("type", "add", "count", "--from", "type.json")

    for number in range(2):  # the same file again is no problem
        words = ["--upload", "input=ein gang.txt", "-p", f"report=made/{number}/out.txt"]
        assert yard("submit", "--type", "count", *words, "--wait").status == 0
    job = yard.json("ls", "--all", "--type", "count", "--limit", "1")["results"][0]

    assert yard.ok("files", "results", str(job["id"]), "--to", "results") == "results/out.txt (2 bytes)\n"
    assert (yard.home / "results" / "out.txt").read_text() == "5\n"
    assert "already" in one_line_of(yard("files", "results", str(job["id"]), "--to", "results"), status=1)
    assert yard.ok("files", "get", "made/1/out.txt", "-") == "5\n"
    assert [row["name"] for row in yard.json("files", "list", "made")["results"]] == ["0", "1"]
    assert "names no file" in one_line_of(yard("files", "results", str(waiting(yard))), status=1)


def test_a_file_keeps_the_name_it_is_given(yard: Yard) -> None:
    local = yard.home / "a b%2fä#?.bin"
    local.write_bytes(bytes(range(256)) * 1000)

    kept = yard.json("files", "put", str(local), "given/a b%2fä#?.bin")
    target = yard.json("files", "get", kept["path"], "back.bin")

    assert Path(yard.home, target["local"]).read_bytes() == local.read_bytes()
    assert "There is a file" in one_line_of(yard("files", "put", str(local), kept["path"]), status=1)
    assert yard.json("files", "put", str(local), kept["path"], "--overwrite")["sha256"] == kept["sha256"]
    assert "There is no file" in one_line_of(yard("files", "get", "given/none"), status=1)
    assert not (yard.home / "none").exists()


def test_what_has_ended_is_counted_by_what_is_asked_for(yard: Yard) -> None:
    assert yard("submit", "true", "--wait").status == 0

    told = yard.json("stats", "--days", "2", "--by", "queue,type")

    assert ("default", "command") in [(row["queue"], row["type"]) for row in told["results"]]
    assert "SUCCEEDED" in yard.ok("stats", "default", "--days", "1")
    assert "Of which queue?" in one_line_of(yard("stats", "a", "b", "--days", "1"), status=2)


def test_how_long_a_queue_keeps_its_jobs_is_said_and_taken_back(yard: Yard) -> None:
    assert yard.json("queue", "add", "keeping", "--keep-days", "7")["keep_days"] == 7
    assert yard.json("queue", "update", "keeping", "--keep-days", "no")["keep_days"] == 0
    assert yard.json("queue", "update", "keeping", "--keep-days", "*")["keep_days"] is None


def test_a_schedule_goes_by_force_with_the_queues_that_use_it(yard: Yard) -> None:
    yard.ok("schedule", "add", "passing")
    yard.ok("queue", "add", "passing", "--schedule", "passing")
    assert "is used by" in one_line_of(yard("schedule", "delete", "passing"), status=1)

    yard.ok("schedule", "delete", "passing", "--force")

    assert "There is no queue" in one_line_of(yard("queue", "passing"), status=1)
