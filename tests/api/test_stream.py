from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Token, User
from jobs.api.broadcast import BROADCASTER
from jobs.api.stream import whole_characters
from jobs.models import Job
from jobs.queueing import control
from tests.api.parts import V1, assert_error, finish, make_job, start, write
from tests.servers.parts import wait_until
from tests.servers.web import served

# More than the connections of a pool.
VIEWERS = 50

pytestmark = pytest.mark.django_db(transaction=True)


class Watcher:
    """A client that watches a job's output."""

    def __init__(self, port: int, token: str, job: Job, *, query: str = "", last: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Authorization": f"Token {token}", **({"Last-Event-ID": last} if last else {})}
        self._connection.request("GET", f"{V1}/jobs/{job.pk}/output/stream{query}", headers=headers)
        self.answer = self._connection.getresponse()

    def event(self) -> dict[str, Any] | None:
        """The next event; None at the end of the stream. Comments are passed over."""
        told: dict[str, Any] = {}
        while line := self.answer.readline():
            key, _, value = line.decode().rstrip("\n").partition(": ")
            if key in {"id", "event", "data"}:
                told[key] = value
            elif not line.strip() and told:
                return {**told, "data": json.loads(told["data"])}
        return None

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


@pytest.fixture
def port() -> Iterator[int]:
    with served() as port:
        yield port


@pytest.fixture
def token(alice: User) -> str:
    made: str = Token.objects.create(alice)[1]  # type: ignore[no-untyped-call]
    return made


@pytest.fixture
def running(alice: User, site: None) -> Job:
    return make_job(alice)


def test_output_comes_as_it_is_written_and_ends_with_the_state(port: int, token: str, running: Job) -> None:
    attempt = start(running)
    write(attempt, ("stdout", b"one\n"))
    watcher = Watcher(port, token, running)

    first = watcher.event()
    write(attempt, ("stdout", b"two\n"))
    second = watcher.event()
    finish(attempt, exit_code=3)
    last = watcher.event()

    assert watcher.answer.headers["Content-Type"].startswith("text/event-stream")
    assert first == {
        "id": "1:4",
        "event": "output",
        "data": {"attempt": 1, "stream": "both", "offset": 0, "data": "one\n"},
    }
    assert second is not None
    assert (second["id"], second["data"]["offset"], second["data"]["data"]) == ("1:8", 4, "two\n")
    assert last == {"event": "end", "data": {"state": "failed", "exit_code": 3}}
    assert watcher.event() is None
    watcher.close()


@pytest.mark.parametrize("last", ["1:4", "4"])
def test_a_client_that_comes_back_misses_nothing(port: int, token: str, running: Job, last: str) -> None:
    attempt = start(running)
    write(attempt, ("stdout", b"one\ntwo\n"))
    finish(attempt)

    watcher = Watcher(port, token, running, last=last)

    event = watcher.event()
    assert event is not None
    assert (event["data"]["offset"], event["data"]["data"]) == (4, "two\n")
    assert (watcher.event() or {})["event"] == "end"
    watcher.close()


def test_one_stream_can_be_watched_alone(port: int, token: str, running: Job) -> None:
    attempt = start(running)
    write(attempt, ("stdout", b"out"), ("stderr", b"err"))
    finish(attempt)

    watcher = Watcher(port, token, running, query="?stream=stderr&attempt=1")

    assert (watcher.event() or {})["data"]["data"] == "err"
    watcher.close()


def test_a_job_that_waits_is_watched_until_it_writes(port: int, token: str, running: Job) -> None:
    watcher = Watcher(port, token, running)

    attempt = start(running)
    write(attempt, ("stderr", b"hello"))

    assert (watcher.event() or {})["data"]["data"] == "hello"
    watcher.close()


def test_the_attempts_of_a_retried_job_follow_each_other(port: int, token: str, running: Job) -> None:
    first = start(running)
    write(first, ("stdout", b"first"))
    watcher = Watcher(port, token, running)
    finish(first, exit_code=1)
    assert (watcher.event() or {})["data"]["data"] == "first"
    assert (watcher.event() or {})["event"] == "end"
    watcher.close()
    running.refresh_from_db()
    control.retry(running, actor="alice", at=timezone.now())
    second = start(running)
    write(second, ("stdout", b"second"))

    watcher = Watcher(port, token, running, last="1:5")

    event = watcher.event()
    assert event is not None
    assert (event["id"], event["data"]["data"]) == ("2:6", "second")
    watcher.close()


def test_whoever_asks_is_told_when_something_about_the_job_changes(port: int, token: str, running: Job) -> None:
    watcher = Watcher(port, token, running, query="?states=true")
    states = [watcher.event()]

    control.hold(running, actor="alice", at=timezone.now())
    states.append(watcher.event())
    control.release(running, actor="alice", at=timezone.now())
    states.append(watcher.event())
    running.refresh_from_db()
    finish(start(running), exit_code=3)
    while (event := watcher.event()) is not None:
        states.append(event)

    assert all(event and event["event"] == "state" for event in states[:-1])
    assert [event["data"]["state"] for event in states[:3] if event] == ["ready", "blocked", "ready"]
    assert states[-2:] == [
        {"event": "state", "data": {"state": "failed", "exit_code": 3}},
        {"event": "end", "data": {"state": "failed", "exit_code": 3}},
    ]
    watcher.close()


def test_characters_are_not_cut_in_two(port: int, token: str, running: Job) -> None:
    attempt = start(running)
    write(attempt, ("stdout", "ä€".encode()[:3]))
    watcher = Watcher(port, token, running)
    first = watcher.event()
    write(attempt, ("stdout", "ä€".encode()[3:] + b"\xff"))
    finish(attempt)
    second = watcher.event()

    assert first is not None
    assert second is not None
    assert (first["data"]["data"], second["data"]["data"]) == ("ä", "€\ufffd")
    watcher.close()


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", 0),
        (b"abc", 3),
        ("ä".encode(), 2),
        ("ä".encode()[:1], 0),
        ("€".encode()[:2], 0),
        ("\U0001f600".encode()[:3], 0),
        ("\U0001f600".encode(), 4),
        (b"\x80\x80\x80\x80", 4),
        (b"a\xff", 1),
    ],
)
def test_what_is_cut_off_at_the_end_is_kept_back(data: bytes, count: int) -> None:
    assert whole_characters(data) == count


def test_a_revoked_token_ends_its_stream(port: int, token: str, running: Job) -> None:
    """253"""
    start(running)
    watcher = Watcher(port, token, running)

    Token.objects.all().delete()

    assert watcher.event() is None
    watcher.close()


def test_a_disabled_user_is_shown_no_more(port: int, token: str, running: Job) -> None:
    """254"""
    start(running)
    watcher = Watcher(port, token, running)

    User.objects.update(is_active=False)

    assert watcher.event() is None
    watcher.close()


def test_an_id_of_an_attempt_that_was_not_made_begins_the_last(port: int, token: str, running: Job) -> None:
    attempt = start(running)
    write(attempt, ("stdout", b"hello"))

    watcher = Watcher(port, token, running, last="7:3")

    assert (watcher.event() or {})["data"]["data"] == "hello"
    watcher.close()


def test_a_removed_job_ends_its_stream(port: int, token: str, running: Job, api: APIClient) -> None:
    watcher = Watcher(port, token, running)

    api.delete(f"{V1}/jobs/{running.pk}")

    assert watcher.event() == {"event": "end", "data": {"state": "removed", "exit_code": None}}
    watcher.close()


def test_many_viewers_cost_neither_threads_nor_connections(port: int, token: str, running: Job) -> None:
    """255"""
    attempt = start(running)
    before = threading.active_count()
    watchers = [Watcher(port, token, running) for _ in range(VIEWERS)]
    wait_until(lambda: threading.active_count() < before + 10, what="requests give their threads back")

    write(attempt, ("stdout", b"to all"))

    assert [(watcher.event() or {})["data"]["data"] for watcher in watchers] == ["to all"] * VIEWERS
    for watcher in watchers:
        watcher.close()
    wait_until(lambda: BROADCASTER.viewer_count == 0, what="viewers that have gone are forgotten")
    wait_until(lambda: not BROADCASTER.is_looking, what="the thread that looks has ended")


def test_errors_of_streams_have_the_shape_of_all_errors(api: APIClient, poor: APIClient, running: Job) -> None:
    address = f"{V1}/jobs/{running.pk}/output/stream"

    assert_error(api.post(address), 405)
    assert_error(api.get(f"{address}?strea=x"), 400, code="unknown_parameter")
    assert_error(api.get(f"{address}?attempt=7"), 404)
    assert_error(api.get(address, HTTP_LAST_EVENT_ID="x"), 400, code="bad_event_id")
    assert_error(poor.get(address), 404)
    anonymous = APIClient().get(address)
    assert_error(anonymous, 401)
    assert anonymous["WWW-Authenticate"] == "Token"
