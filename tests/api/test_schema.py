"""Examples made from the API's own description: no error that nobody foresaw, and answers as described."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from rest_framework.test import APIClient
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import Token, User
from jobs.models import Job
from scheduler_site.wsgi import application
from tests.api.parts import V1, finish, make_job, start, write

# More of them for a long run by itself.
EXAMPLES = 100 if os.environ.get("BATCHYARD_FUZZ") else 3
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
# The first waits for a network, the others have no end.
UNASKED = r"/scan_keys|/stream|/changes"

schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
schema.app = application


@pytest.fixture
def header(alice: User) -> dict[str, str]:
    _row, token = Token.objects.create(alice)  # type: ignore[no-untyped-call]
    return {"Authorization": f"Token {token}"}


@pytest.fixture
def full_site(api: APIClient, alice: User, site: None) -> Iterator[None]:
    """One of everything, and a job that has run."""
    attempt = start(make_job(alice))
    write(attempt, ("stdout", b"hello"))
    finish(attempt)
    make_job(alice)
    for noun in ("schedules", "pools"):
        assert api.post(f"{V1}/{noun}", {"name": "first"}).status_code == 201
    assert Job.objects.count() == 2
    # Requests stay in the test's transaction, as with Django's own test client, which connects these anew.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.exclude(path_regex=UNASKED).parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_examples_are_answered_as_described(case: Any, full_site: None, header: dict[str, str]) -> None:
    answer = case.call(headers=header)

    assert answer.status_code < 500
    case.validate_response(answer, checks=CHECKS)
