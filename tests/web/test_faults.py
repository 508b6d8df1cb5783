from __future__ import annotations

import logging
import re

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from tests.web.parts import text


def broken(*args: object, **kwargs: object) -> None:
    raise RuntimeError("a fault nobody foresaw")


def unreachable(*args: object, **kwargs: object) -> None:
    raise OperationalError("database is locked")


@pytest.fixture
def visitor(page: Client) -> Client:
    """A browser that gets the page of an error, as people do, instead of the error."""
    page.raise_request_exception = False
    return page


def test_an_address_that_is_no_page_leads_back(page: Client) -> None:
    answer = page.get("/nothing-here")

    assert answer.status_code == 404
    assert "There is nothing here" in text(answer)
    assert "To the queues" in text(answer)
    assert 'href="/queues/"' in answer.content.decode()


def test_a_missing_job_is_named(page: Client) -> None:
    answer = page.get("/jobs/4711/")

    assert answer.status_code == 404
    assert "There is no job 4711." in text(answer)


def test_a_visitor_gets_the_same_page_without_navigation(client: Client) -> None:
    answer = client.get("/nothing-here")

    assert answer.status_code == 404
    assert "/queues/" not in answer.content.decode()


def test_a_fault_is_told_by_a_number_that_the_log_has_too(
    visitor: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("accounts.policy.own_tokens", broken)

    with caplog.at_level(logging.ERROR):
        answer = visitor.get("/accounts/tokens/")

    [number] = re.findall(r"^error ([0-9a-f]{12}): GET /accounts/tokens/$", "\n".join(caplog.messages), re.MULTILINE)
    assert answer.status_code == 500
    assert f"error {number}" in text(answer)
    assert "nobody foresaw" not in text(answer)


def test_a_busy_database_asks_to_try_again(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.policy.own_tokens", unreachable)

    answer = visitor.get("/accounts/tokens/")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "2"
    assert "nothing was changed" in text(answer)


def test_a_request_for_another_host_is_refused_in_words(client: Client, settings: LazySettings) -> None:
    answer = client.get("/queues/", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "This request is not well formed" in text(answer)
    assert "evil.example" not in answer.content.decode()


def test_a_faults_page_needs_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/nothing-here")

    assert "http" not in answer.content.decode().replace("http-equiv", "")
    assert "style=" not in answer.content.decode()
