from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Token, User
from jobs.models import Job
from tests.api.conftest import client_of
from tests.api.parts import V1, assert_error
from tests.builders import grant

PASSWORD = "wonderland-7"
ADDRESS = f"{V1}/queues"


@pytest.fixture
def named(alice: User) -> User:
    alice.set_password(PASSWORD)
    alice.save(update_fields=["password"])
    return alice


def get(header: str) -> Any:
    return APIClient().get(ADDRESS, HTTP_AUTHORIZATION=header)


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def test_without_an_account_nothing_is_told(db: None) -> None:
    answer = APIClient().get(ADDRESS)

    assert_error(answer, 401, code="not_authenticated")
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token  ",
        "Token x",
        "Token x y",
        "Token " + "x" * 10_000,
        "Token ä",
        "Token \x00",
        "Bearer x",
        "Basic",
        "Basic !!!",
        "Basic eA==",
        "Basic /w==",
        basic("alice", ""),
        basic("alice", "x" * 5000),
        basic("al\0ice", "x"),
        basic("alice", "wrong"),
        basic("nobody", PASSWORD),
    ],
)
def test_a_header_that_opens_nothing_is_refused(named: User, header: str) -> None:
    """256, 257, 258"""
    assert_error(get(header), 401)


def test_a_password_opens_the_api(named: User) -> None:
    assert get(basic("alice", PASSWORD)).status_code == 200


def test_a_token_opens_the_api_until_it_is_revoked(api: APIClient) -> None:
    assert api.get(ADDRESS).status_code == 200

    Token.objects.all().delete()

    assert_error(api.get(ADDRESS), 401)


def test_a_token_opens_the_api_until_it_expires(api: APIClient) -> None:
    Token.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    assert_error(api.get(ADDRESS), 401)
    assert Token.objects.count() == 1


def test_a_disabled_account_opens_nothing(api: APIClient, named: User) -> None:
    User.objects.update(is_active=False)

    assert_error(api.get(ADDRESS), 401)
    assert_error(get(basic("alice", PASSWORD)), 401)


def test_a_token_in_the_address_opens_nothing(alice: User) -> None:
    _row, token = Token.objects.create(alice)  # type: ignore[no-untyped-call]

    assert_error(APIClient().get(f"{ADDRESS}?token={token}"), 401)


def test_a_session_reads_and_writes_only_with_the_csrf_token(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.get(ADDRESS).status_code == 200
    assert_error(client.post(ADDRESS, {"name": "q"}), 403)

    client.get("/admin/login/")
    client.cookies["csrftoken"] = "a" * 32
    assert client.post(ADDRESS, {"name": "q"}, HTTP_X_CSRFTOKEN="a" * 32).status_code == 201


def test_a_wrong_header_is_not_saved_by_a_session(alice: User) -> None:
    client = APIClient()
    client.force_login(alice)

    assert_error(client.get(ADDRESS, HTTP_AUTHORIZATION="Token wrong"), 401)


@pytest.mark.parametrize(
    ("ways", "works"),
    [(["token"], "token"), (["basic"], "basic"), (["session"], "session"), ([], "none")],
    ids=["token", "basic", "session", "none"],
)
def test_only_the_ways_that_are_switched_on_open_the_api(
    settings: LazySettings, named: User, ways: list[str], works: str
) -> None:
    settings.BATCHYARD_AUTH = ways
    session = APIClient()
    session.force_login(named)

    answers = {
        "token": client_of(named).get(ADDRESS).status_code,
        "basic": get(basic("alice", PASSWORD)).status_code,
        "session": session.get(ADDRESS).status_code,
    }

    assert answers == {way: 200 if way == works else 401 for way in answers}


def test_somebody_without_rights_sees_nothing_and_changes_nothing(
    poor: APIClient, api: APIClient, job: dict[str, Any]
) -> None:
    for noun in ("jobs", "queues", "schedules", "job-types", "hosts", "pools"):
        assert poor.get(f"{V1}/{noun}").json()["results"] == [], noun
        assert_error(poor.post(f"{V1}/{noun}", {}), 403)
    for address in (f"jobs/{job['id']}", "queues/nightly", "job-types/render", "hosts/localhost"):
        assert_error(poor.get(f"{V1}/{address}"), 404)
        assert_error(poor.patch(f"{V1}/{address}", {}), 404)
        assert_error(poor.delete(f"{V1}/{address}"), 404)
    assert_error(poor.post(f"{V1}/jobs/bulk", {"jobs": []}), 403)
    assert_error(poor.post(f"{V1}/jobs/{job['id']}/cancel"), 404)
    assert Job.objects.get().state == "ready"


def test_somebody_who_may_only_look_changes_nothing(bob: User, job: dict[str, Any]) -> None:
    grant(bob, "ViewJobs", "ViewQueues")
    client = client_of(bob)

    assert client.get(f"{V1}/jobs/{job['id']}").status_code == 200
    assert client.get(f"{V1}/queues/nightly").status_code == 200
    assert_error(client.patch(f"{V1}/jobs/{job['id']}", {"priority": 1}), 403)
    assert_error(client.post(f"{V1}/jobs/{job['id']}/cancel"), 403)
    assert_error(client.delete(f"{V1}/queues/nightly"), 403)
    assert_error(client.post(f"{V1}/jobs", {}), 403)
    assert_error(client.get(f"{V1}/hosts/localhost"), 404)


def test_somebody_who_may_add_jobs_submits_them_as_their_own(bob: User, site: None) -> None:
    grant(bob, "CreateJobs")

    answer = client_of(bob).post(f"{V1}/jobs", {"queue": "nightly", "type": "render", "params": {"scene": "x"}})

    assert answer.status_code == 201
    assert answer.json()["owner"] == "bob"
