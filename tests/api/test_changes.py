from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Token, User
from jobs.api.broadcast import BROADCASTER, last_event
from jobs.api.changes import pause_seconds
from jobs.queueing import control
from tests.api.parts import V1, assert_error, make_job
from tests.builders import make_user
from tests.servers.parts import wait_until
from tests.servers.web import served

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port() -> Iterator[int]:
    with served() as port:
        yield port


@pytest.fixture
def stream(port: int, alice: User, site: None) -> Iterator[http.client.HTTPResponse]:
    """What happens, as it is told to alice."""
    token: str = Token.objects.create(alice)[1]  # type: ignore[no-untyped-call]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", f"{V1}/jobs/changes", headers={"Authorization": f"Token {token}"})
    yield connection.getresponse()
    connection.close()


def told(stream: http.client.HTTPResponse) -> Any:
    """The next event's data; None at the end of the stream."""
    while line := stream.readline():
        if line.startswith(b"data: "):
            return json.loads(line.removeprefix(b"data: "))
    return None


def test_the_newest_event_is_told_at_first_and_after_each_change(stream: http.client.HTTPResponse, alice: User) -> None:
    first = told(stream)
    job = make_job(alice)
    second = told(stream)
    control.hold(job, actor="alice", at=timezone.now())
    third = told(stream)

    assert stream.getheader("Content-Type", "").startswith("text/event-stream")
    assert first == {"event": 0}
    assert 0 < second["event"] < third["event"] == last_event()


def test_253_a_revoked_token_ends_the_stream(stream: http.client.HTTPResponse) -> None:
    told(stream)

    Token.objects.all().delete()

    assert told(stream) is None
    wait_until(lambda: BROADCASTER.viewer_count == 0, what="nobody watches")


def test_254_a_disabled_account_ends_the_stream(stream: http.client.HTTPResponse) -> None:
    told(stream)

    User.objects.update(is_active=False)

    assert told(stream) is None


@pytest.mark.parametrize(
    ("viewers", "seconds"),
    [pytest.param(1, 1, id="one"), pytest.param(15, 5, id="some"), pytest.param(5000, 10, id="very many")],
)
def test_many_lists_together_are_told_a_bounded_number_of_times(viewers: int, seconds: float) -> None:
    assert pause_seconds(viewers) == seconds


def test_who_may_not_see_jobs_is_told_nothing(site: None) -> None:
    api = APIClient()
    api.force_authenticate(make_user("dave"))

    assert_error(api.get(f"{V1}/jobs/changes"), 403)
