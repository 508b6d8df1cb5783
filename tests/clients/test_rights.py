"""Who may do what, who did what, what was measured and what one is told of: from the command line, at a real site."""

from __future__ import annotations

import csv
import json
import os
from datetime import UTC, datetime

import pytest

from tests.clients.parts import Yard, one_line_of
from tests.clients.test_faults import Reply, serving
from tests.clients.test_help import COMMANDS
from tests.scenarios.site import SiteUnderTest

pytestmark = [pytest.mark.scenario, pytest.mark.xdist_group("yard")]


def test_groups_are_made_changed_member_by_member_and_removed(yard: Yard) -> None:
    for name in ("gail", "hank", "ines"):
        yard.ok("user", "add", name, "--no-password")

    assert yard.json("group", "add", "artists of the night", "gail")["users"] == ["gail"]
    yard.ok("group", "update", "artists of the night", "--add", "hank", "--add", "ines", "--remove", "gail")
    assert yard.json("group", "artists of the night")["users"] == ["hank", "ines"]
    assert yard.json("group", "update", "artists of the night", "ines")["users"] == ["ines"]
    assert yard.json("group", "update", "artists of the night", "--remove", "ines")["users"] == []
    assert '"gail" is not in the group' in one_line_of(
        yard("group", "update", "artists of the night", "--remove", "gail"), status=1
    )
    yard.ok("group", "delete", "artists of the night")
    assert "There is no group" in one_line_of(yard("group", "artists of the night"), status=1)


def test_an_account_leaves_its_groups_and_may_open_the_admin_pages(yard: Yard) -> None:
    yard.ok("group", "add", "painters")
    yard.ok("user", "add", "jane", "--group", "painters", "--staff", "--password-stdin", stdin=b"wonderland-7\n")

    assert yard.json("user", "jane")["staff"] is True
    changed = yard.json("user", "update", "jane", "--group", "*", "--no-staff")
    assert (changed["groups"], changed["staff"]) == ([], False)


def test_grants_are_found_by_what_they_say(yard: Yard) -> None:
    yard.ok("group", "add", "viewers")
    yard.ok("queue", "add", "granted")
    made = str(yard.json("grant", "add", "--group", "viewers", "ViewJobs", "--queue", "granted")["id"])

    def found(*words: str) -> list[str]:
        return [str(row["id"]) for row in yard.json("grant", "list", *words)["results"]]

    assert found("--queue", "granted") == found("--group", "viewers", "--permission", "ViewJobs") == [made]
    assert found("--queue", "granted", "--permission", "ManageJobs") == []
    assert yard.json("grant", "view", made)["group"] == "viewers"
    yard.ok("grant", "delete", made)
    assert found("--queue", "granted") == []


def test_a_token_that_only_reads_changes_nothing(yard: Yard) -> None:
    reader = Yard(yard.home, yard.site, yard.ok("token", "add", "reports", "--only-reads").strip())

    reader.ok("queue", "list")
    assert reader("queue", "add", "refused").status == 4
    assert "yes" in yard.ok("token", "list")


def test_the_audit_is_looked_through_and_taken_away(yard: Yard) -> None:
    yard.ok("queue", "add", "audited")
    yard.ok("queue", "update", "audited", "--title", '=1+1; "Nächte"')

    def actions(*words: str) -> list[str]:
        return [row["action"] for row in yard.json("audit", "list", "--name", "audited", *words)["results"]]

    assert actions() == ["change", "add"]
    assert actions("--action", "add", "--kind", "jobs.queue", "--actor", "admin", "--since", "1 hour") == ["add"]
    assert actions("--limit", "1") == ["change"]
    assert actions("--until", "1 hour ago") == []
    lines = yard.ok("audit", "export", "--name", "audited").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["add", "change"]
    told = yard.json("audit", "export", "--as", "csv", "--name", "audited", "--to", "a.csv")
    rows = list(csv.DictReader((yard.home / "a.csv").read_text().splitlines()))
    assert (len(rows), told["size"]) == (2, os.path.getsize(yard.home / "a.csv"))
    assert "already" in one_line_of(yard("audit", "export", "--to", "a.csv"), status=1)
    assert "is still to come" in one_line_of(yard("audit", "list", "--since", "2100-01-01"), status=2)
    assert "ends before it begins" in one_line_of(
        yard("audit", "list", "--since", "1 day", "--until", "2 days"), status=2
    )


LOOK = "from django.utils.timezone import now; from jobs.measures.sampling import sample_once; sample_once(at=now())"


def test_figures_are_told_as_they_are_and_as_they_were(yard: Yard, yard_site: SiteUnderTest) -> None:
    yard_site.manage("shell", "-v", "0", "-c", LOOK)
    now = yard.json("figures", "--prefix", "hosts.")["results"]

    assert "hosts.active" in [row["name"] for row in now]
    assert "hosts.active" in yard.ok("figures", "hosts.active")
    yard.variables = {"_YARD_COMPLETE": "complete_bash", "_YARD_WORDS": "yard\nfigures\nhosts.act"}
    assert yard.ok() == "hosts.active\n"
    yard.variables = {}
    [line] = yard.json("figures", "hosts.active", "--last", "2 hours")["results"]
    assert line["points"]
    assert yard.json("figures", "hosts.active", "--since", "2 days")["results"]
    assert "A time is --last, or" in one_line_of(yard("figures", "--last", "1h", "--since", "1h"), status=2)


def test_subscriptions_are_made_changed_looked_at_and_removed(yard: Yard) -> None:
    address = b"json://user:secret-of-mine@hooks.example.org/x\n"

    words = ["-e", "failed,late", "--late-after", "1 hour", "--queue", "default", "--all-jobs"]
    made = yard.json("subscription", "add", "nights", *words, stdin=address)
    number = str(made["id"])
    assert (made["late_after"], made["only_own"], made["queue"]) == (3600, False, "default")
    assert "secret-of-mine" not in yard.ok("subscription", "view", number) + yard.ok("subscription")
    words = ["-e", "failed", "--late-after", "*", "--queue", "*", "--disable"]
    changed = yard.json("subscription", "update", number, *words)
    assert (changed["events"], changed["late_after"]) == (["failed"], None)
    assert (changed["queue"], changed["enabled"]) == (None, False)
    moved = yard.json("subscription", "update", number, "--address", stdin=b"json://other.example/\n")
    assert "other.example" in moved["to"]
    assert yard.json("subscription", "notices", number) == {"results": []}
    assert yard.ok("subscription", "resend", number) == "0 notices are tried again.\n"
    yard.ok("subscription", "delete", number)
    assert "There is no" in one_line_of(yard("subscription", "view", number), status=1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["add", "x"], "Say --event; possible: succeeded", id="about nothing"),
        pytest.param(["add", "x", "-e", "faild"], 'Did you mean "failed"?', id="an event"),
        pytest.param(["update", "1"], "Nothing is to be changed", id="nothing"),
        pytest.param(["update", "1", "--late-after", "soon"], "is not a length of time", id="no time"),
    ],
)
def test_a_subscription_that_cannot_be_meant_is_told(stranger: Yard, words: list[str], told: str) -> None:
    assert told in one_line_of(stranger("subscription", *words), status=2)


def test_the_files_of_a_job_are_listed(yard: Yard) -> None:
    params = [{"name": "report", "type": "OutputFile"}]
    (yard.home / "type.json").write_text(json.dumps({"template": "echo x > $report", "params": params}))
    yard.ok("type", "add", "reporting", "--from", "type.json")
    job = str(yard.json("submit", "-t", "reporting", "-p", "report=made/report.txt", "--wait")["id"])

    [file] = yard.json("job", "files", job)["results"]

    assert (file["parameter"], file["size"]) == ("report", 2)
    assert "made/report.txt" in yard.ok("job", "files", job)


def test_jobs_are_listed_by_when_they_were_taken(yard: Yard) -> None:
    yard.ok("queue", "add", "dated")
    job = yard.json("submit", "true", "--hold", "-q", "dated")["id"]

    assert [row["id"] for row in yard.json("ls", "dated", "--since", "1 hour")["results"]] == [job]
    assert yard.json("ls", "dated", "--until", "1 hour ago")["results"] == []


def test_statistics_of_a_user_and_of_days(yard: Yard) -> None:
    assert yard("submit", "true", "--wait").status == 0
    today = datetime.now(UTC).date().isoformat()

    words = ["--since", "yesterday", "--until", today, "--owner", "admin", "--type", "command"]
    told = yard.json("stats", "default", *words)

    assert (told["until"], told["by"]) == (today, ["day"])
    assert [row["day"] for row in told["results"]][-1:] == [today]
    assert "A time is --days, or" in one_line_of(yard("stats", "--days", "1", "--since", "today"), status=2)


def test_a_private_key_of_a_host_is_sent_and_never_shown(stranger: Yard) -> None:
    (stranger.home / "key").write_text("PRIVATE")
    words = ["--private-key", "key", "--passphrase"]
    with serving(Reply(201, body=b'{"name": "far"}')) as server:
        told = stranger.ok("host", "add", "far", *words, "--url", server.url, stdin=b"open\n")
        stranger.ok("host", "update", "far", "--private-key", "*", "--url", server.url)

    sent = [json.loads(asked.body) for asked in server.asked]
    assert sent == [{"name": "far", "private_key": "PRIVATE", "passphrase": "open"}, {"private_key": None}]
    assert "PRIVATE" not in told
    assert "comes with --private-key" in one_line_of(stranger("host", "update", "far", "--passphrase"), status=2)


LISTS = [*(words for words in COMMANDS if words[-1] == "list"), ("ls", "--all"), ("stats",), ("stats", "--days", "1")]


@pytest.mark.parametrize("words", [*LISTS, ("figures",)], ids=" ".join)
def test_every_list_fits_forty_columns(yard: Yard, words: tuple[str, ...]) -> None:
    yard.ok("submit", "true", "--hold", "--notes", "long " * 50)
    yard.variables = {"COLUMNS": "40"}

    shown = yard.ok(*words)

    assert [line for line in shown.splitlines() if len(line) > 40 and " " in line.strip()] == []
