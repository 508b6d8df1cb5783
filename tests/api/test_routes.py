"""What holds for every address of the API, found by asking the site for all it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from tests.api.parts import V1, assert_error, finish, make_job, start, write

# An example for each part of an address that varies.
PARTS = {"pk": "JOB", "name": "nightly", "path": "in/a.txt", "key": "bsk_0123abcd"}
NAMES = {"job-types": "render", "hosts": "localhost", "pools": "both", "schedules": "nights"}
DOCS = ("/api/schema", "/api/docs")


def patterns(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        regex = before + str(one.pattern).lstrip("^")
        if isinstance(one, URLResolver):
            yield from patterns(one, regex)
        elif isinstance(one, URLPattern):
            yield regex


def address(regex: str) -> str:
    """An address that `regex` matches."""
    noun = regex.removeprefix("api/v1/").split("/")[0]
    parts = {**PARTS, "name": NAMES.get(noun, PARTS["name"])}
    text = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda match: parts[match[1]], regex)
    return "/" + text.rstrip("$").replace("/?", "")


ROUTES = sorted(
    address(regex) for regex in patterns(get_resolver()) if regex.startswith("api/") and "(?s:" not in regex
)
STREAM = f"{V1}/jobs/JOB/output/stream"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture
def full_site(api: APIClient, alice: User, site: None) -> Job:
    """One of everything, and a job that has run."""
    bodies: dict[str, dict[str, Any]] = {"schedules": {"name": "nights"}, "pools": {"name": "both"}}
    for noun, body in bodies.items():
        assert api.post(f"{V1}/{noun}", body).status_code == 201
    attempt = start(make_job(alice))
    write(attempt, ("stdout", b"hello"))
    finish(attempt)
    return attempt.job


def rows() -> dict[str, list[Any]]:
    """Everything in the database."""
    models = [model for model in apps.get_models() if model._meta.managed]
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models}


def test_all_that_the_site_promises_has_an_address() -> None:
    for promised in ("jobs", "jobs/bulk", "jobs/JOB/output/stream", "queues/nightly", "schedules/nights/openings"):
        assert f"{V1}/{promised}" in ROUTES


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_is_told_anything_without_an_account(db: None, route: str) -> None:
    for method in METHODS:
        answer = APIClient().generic(method, route.replace("JOB", "1"))

        if route == "/api/docs":
            assert answer.status_code == 302
        else:
            assert_error(answer, 401)
            assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in DOCS])
def test_every_error_has_the_one_shape(poor: APIClient, full_site: Job, route: str) -> None:
    for method in METHODS:
        answer = poor.generic(method, route.replace("JOB", str(full_site.pk)))

        if answer.status_code != 200:
            assert_error(answer, answer.status_code)
            assert answer.status_code in {400, 403, 404, 405}


@pytest.mark.parametrize("route", ROUTES)
def test_asking_changes_nothing(api: APIClient, full_site: Job, route: str) -> None:
    """183"""
    before = rows()

    answer = api.get(route.replace("JOB", str(full_site.pk)) + ("?attempt=9" if route == STREAM else ""))

    assert answer.status_code in {200, 404, 405}
    assert rows() == before


def test_the_description_of_the_api_tells_of_every_address(api: APIClient) -> None:
    told = api.get("/api/schema").json()

    described = {re.sub(r"\{\w+\}", "x", path) for path in told["paths"]}
    examples = "|".join(re.escape(part) for part in [*PARTS.values(), *NAMES.values()])
    found = {re.sub(rf"/(?:{examples})(?=/|$)", "/x", route) for route in ROUTES if route not in DOCS}
    assert found == described


def test_the_page_that_shows_the_description_needs_nothing_inline(api: APIClient) -> None:
    page = api.get("/api/docs/").content.decode()

    assert "swagger-ui" in page
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page
    script = re.findall(r'<script src="([^"]*script[^"]*)"', page)[0].replace("&amp;", "&")
    assert "SwaggerUIBundle" in api.get(script).content.decode()
