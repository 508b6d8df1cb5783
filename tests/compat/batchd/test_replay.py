"""What clients that were written for batchd send, word for word, by the programs they are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import pytest

from jobs.models import Job, Queue
from tests.compat.batchd.ways import WAYS, Way
from tests.servers.web import served

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("browser")]

TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]+Z")
# Every key that the desktop program reads of a job.
OF_JOB = {"id", "seq", "type", "host_name", "status", "exit_code", "create_time", "result_time", "params"}
Check = Callable[[Any], bool]


class Step(NamedTuple):
    """A request, and what its answer has to be.

    {job} is the job that has run, {new} what was made last, MARK different each time.
    """

    method: str
    path: str
    body: Any = None
    check: Check = lambda told: isinstance(told, list) and bool(told)


def is_done(told: Any) -> bool:
    return bool(told == "done")


def is_name(told: Any) -> bool:
    return isinstance(told, str) and told != "done"


def is_number(told: Any) -> bool:
    return isinstance(told, int)


def has_jobs(told: Any) -> bool:
    return bool(told) and all(set(job) >= OF_JOB and TIME.fullmatch(job["create_time"]) for job in told)


def has_types(told: Any) -> bool:
    return bool(told) and all({"title", "default"} <= set(one) for kind in told for one in kind["params"])


def has_lines(told: Any) -> bool:
    rows = [(row["stdout"], row["stderr"], row["exit_code"]) for row in told]
    return rows == [("one", "", None), ("", "two", None), ("three", "", None), ("", "", 3)]


def is_object(told: Any) -> bool:
    return isinstance(told, dict)


NEW_JOB = {"queue": "free", "type": "render", "params": {"scene": "a b", "frame": "7"}}
PYTHON = [
    Step("GET", "type", check=has_types),
    Step("GET", "host"),
    Step("GET", "queue"),
    Step("GET", "schedule"),
    Step("POST", "queue", {"name": "made-MARK", "title": "Made", "enabled": False, "schedule_name": "nights"},
         check=is_name),
    Step("PUT", "queue/free", {"enabled": False}, check=is_done),
    Step("PUT", "queue/free", {"enabled": True}, check=is_done),
    Step("POST", "queue/free", {**NEW_JOB, "host_name": None}, check=is_number),
    Step("GET", "stats/free", check=lambda told: bool(told["failed"] == 1)),
    Step("GET", "queue/free/jobs?status=all", check=has_jobs),
    Step("GET", "job/{job}/results", check=has_lines),
    Step("DELETE", "job/{new}", check=is_done),
]  # fmt: skip
REFRESH = [
    Step("GET", "queue"),
    Step("GET", "stats/free", check=is_object),
    Step("GET", "queue/free/jobs?status=all", check=has_jobs),
]
DESKTOP = [
    Step("GET", "queue"),
    Step("GET", "queue"),
    Step("GET", "type", check=has_types),
    Step("GET", "host"),
    *REFRESH,
    Step("POST", "queue/free", {**NEW_JOB, "host_name": "localhost"}, check=is_number),
    *REFRESH,
    Step("GET", "job/{job}/results", check=has_lines),
    Step("PUT", "queue/free", {"enabled": False}, check=is_done),
    Step("GET", "schedule"),
    Step("POST", "queue", {"name": "drawn-MARK", "title": "Drawn", "enabled": True, "schedule_name": "nights"},
         check=is_name),
    Step("DELETE", "job/{new}", check=is_done),
    *REFRESH,
]  # fmt: skip
WEB = [
    Step("GET", "queue"),
    Step("GET", "queue/free", check=is_object),
    *(Step("GET", f"queue/free/jobs?status={word}", check=lambda told: isinstance(told, list))
      for word in ("new", "waiting", "processing", "done", "failed", "postponed", "all")),
    Step("GET", "queue/free/type", check=has_types),
    Step("GET", "queue/free/type/render/host", check=lambda told: bool(told == ["__default__", "localhost"])),
    Step("GET", "type/render", check=is_object),
    Step("GET", "stats/free", check=is_object),
    Step("POST", "queue/free", NEW_JOB, check=is_number),
    Step("POST", "queue/free", {**NEW_JOB, "host_name": "localhost"}, check=is_number),
    Step("GET", "job/{job}/results", check=has_lines),
]  # fmt: skip
# All else that the contract has, asked for by its command line and by hand.
OTHERS = [
    Step("OPTIONS", "", check=lambda told: bool(told == ["basic"])),
    Step("OPTIONS", "queue", check=is_done),
    Step("GET", "stats", check=is_object),
    Step("GET", "jobs?status=failed", check=has_jobs),
    Step("GET", "queue/free/host", check=lambda told: bool(told == ["__default__", "localhost"])),
    Step("GET", "job/{job}", check=lambda told: has_jobs([told]) and len(told) == 16),
    Step("GET", "job/{job}/results/last", check=lambda told: bool(told["exit_code"] == 3)),
    Step("POST", "schedule",
         {"name": "days", "weekdays": ["Monday"], "time": [{"begin": "08:00:00", "end": "19:00:00"}]},
         check=is_name),
    Step("DELETE", "schedule/days?forced=true", check=is_done),
    Step("POST", "queue", {"name": "short"}, check=is_name),
    Step("POST", "queue/free", NEW_JOB, check=is_number),
    *(Step("PUT", "job/{new}", {"priority": word}, check=is_done) for word in ("first", "more", "less", "last")),
    Step("PUT", "job/{new}", {"move": "short"}, check=is_done),
    Step("PUT", "job/{new}", {"status": "Postponed", "notes": "later", "host_name": "*", "start_time": None},
         check=is_done),
    Step("DELETE", "queue/short?status=postponed", check=is_done),
    Step("DELETE", "queue/short?forced=true", check=is_done),
    Step("GET", "user"),
    Step("POST", "user", {"name": "carol-MARK", "password": "a long enough phrase"},
         check=is_name),
    Step("PUT", "user/carol-MARK", {"name": "carol-MARK", "password": "another long phrase"}, check=is_done),
    Step("POST", "user/carol-MARK/permissions", {"user_name": "x", "permission": "ViewJobs", "queue_name": "free"},
         check=is_number),
    Step("GET", "user/carol-MARK/permissions", check=lambda told: bool(told[0][1]["permission"] == "ViewJobs")),
    Step("DELETE", "user/carol-MARK/permissions/{new}", check=is_done),
]  # fmt: skip


KINDS = (None, "text/plain", "application/json")
# A content type and what an address ends with: each with each, and fewer by what takes long for each request.
EACH = tuple(product(KINDS, ("", "/")))
SOME = tuple(zip(KINDS, ("", "/", ""), strict=True))


@pytest.fixture
def port(furnished: Job) -> Iterator[int]:
    with served() as port:
        yield port


def replay(steps: list[Step], ask: Way, *, job: int, kind: str | None, slash: str, mark: str) -> list[str]:
    """What went wrong."""
    wrong, new = [], 0
    for method, path, body, check in steps:
        place, query, words = path.replace("MARK", mark).format(job=job, new=new).partition("?")
        address = f"/batchd/{place}{slash if place else ''}{query}{words}"
        told = ask(method, address, kind, None if body is None else json.dumps(body).replace("MARK", mark))
        if told.status != 200 or not check(told.json):
            wrong.append(f"{method} {address} as {kind}: {told.status} {told.text[:300]}")
        elif is_number(told.json):
            new = told.json
    return wrong


@pytest.mark.meets("BD-02", "BD-03", "BD-04", "BD-06")
@pytest.mark.parametrize(("way", "forms"), [("requests", EACH), ("curl", SOME), ("browser", SOME)], ids=WAYS)
def test_clients_get_what_they_were_written_for(
    way: str, forms: Sequence[tuple[str | None, str]], port: int, furnished: Job
) -> None:
    wrong: list[str] = []

    with WAYS[way](port) as ask:
        for number, (kind, slash) in enumerate(forms):
            for steps in (PYTHON, DESKTOP, WEB, OTHERS):
                wrong += replay(steps, ask, job=furnished.pk, kind=kind, slash=slash, mark=str(number))

    assert wrong == []
    made = {f"{name}-{number}" for name in ("made", "drawn") for number in range(len(forms))}
    assert set(Queue.objects.values_list("name", flat=True)) == {"free", "nightly", *made}
