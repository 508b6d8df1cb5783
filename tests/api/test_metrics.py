"""`/metrics`: what Prometheus reads, the same from every process, for those who may."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Attempt, Job
from scheduler_site.env import Environment
from tests.api.conftest import client_of
from tests.api.parts import finish, make_job, start, write
from tests.builders import grant
from tests.docs.pages import text_of

METRICS = "/metrics"
TOKEN = "s3cret of the site"


def figures(client: APIClient) -> dict[str, float]:
    """Each sample by its name and labels, as Prometheus itself reads the page."""
    answer = client.get(METRICS)
    assert answer.status_code == 200
    return {
        f"{sample.name}{sorted(sample.labels.items())}" if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_it_tells_jobs_starts_ends_and_output(api: APIClient, alice: User, site: None) -> None:
    make_job(alice)
    done = make_job(alice)
    Job.objects.filter(pk=done.pk).update(ready_at=timezone.now() - timedelta(seconds=20))
    attempt = start(done)
    Attempt.objects.filter(pk=attempt.pk).update(started_at=None)
    Attempt.objects.filter(pk=attempt.pk).update(started_at=timezone.now())
    write(attempt, ("stdout", b"hello"))
    finish(attempt)

    found = figures(api)

    assert found["batchyard_jobs[('queue', 'nightly'), ('state', 'ready')]"] == 1
    assert found["batchyard_jobs[('queue', 'nightly'), ('state', 'succeeded')]"] == 1
    assert found["batchyard_jobs[('queue', 'nightly'), ('state', 'failed')]"] == 0
    assert found["batchyard_attempt_starts_total[('queue', 'nightly')]"] == 1
    assert found["batchyard_attempt_ends_total[('outcome', 'exited'), ('queue', 'nightly')]"] == 1
    assert found["batchyard_dispatch_seconds_bucket[('le', '10'), ('queue', 'nightly')]"] == 0
    assert found["batchyard_dispatch_seconds_bucket[('le', '30'), ('queue', 'nightly')]"] == 1
    assert found["batchyard_dispatch_seconds_count[('queue', 'nightly')]"] == 1
    assert found["batchyard_dispatch_seconds_sum[('queue', 'nightly')]"] == pytest.approx(20, abs=5)
    assert found["batchyard_watch_lag_seconds_count"] == 1
    assert found["batchyard_output_bytes_total"] == 5
    assert found["batchyard_host_seats[('host', 'localhost')]"] == 4
    assert found["batchyard_host_state[('host', 'localhost'), ('state', 'unknown')]"] == 1


def test_it_tells_how_long_the_oldest_job_has_been_ready(api: APIClient, alice: User, site: None) -> None:
    make_job(alice)
    old = make_job(alice, priority=-5)
    Job.objects.filter(pk=old.pk).update(ready_at=timezone.now() - timedelta(hours=2))

    waited = figures(api)["batchyard_oldest_ready_seconds[('queue', 'nightly')]"]

    assert waited == pytest.approx(7200, abs=60)


def test_the_page_of_reference_names_all_of_them(api: APIClient, site: None) -> None:
    text = api.get(METRICS).content.decode()

    told = set(re.findall(r"`(batchyard_[a-z_]+)`", text_of("docs/reference/metrics.md")))

    assert told == {re.sub("_created$", "", name) for name in re.findall(r"^# HELP (batchyard_[a-z_]+)", text, re.M)}


def test_a_fixed_number_of_statements_whatever_there_is(api: APIClient, alice: User, site: None) -> None:
    api.get(METRICS)  # notes that the token has been used, which it does once a minute
    with CaptureQueriesContext(connection) as few:
        api.get(METRICS)
    for _ in range(5):
        finish(start(make_job(alice)))

    with CaptureQueriesContext(connection) as more:
        api.get(METRICS)

    assert len(more) == len(few)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        pytest.param("", 401, id="nobody"),
        pytest.param(f"Bearer {TOKEN}", 200, id="the site's metrics token"),
        pytest.param("Bearer something else", 401, id="another token"),
        pytest.param("Bearer ", 401, id="an empty token"),
        pytest.param("Bearer ümläut", 401, id="a token that is not ASCII"),
    ],
)
def test_the_token_of_the_site_opens_it(
    settings: LazySettings, db: None, client: APIClient, header: str, status: int
) -> None:
    settings.BATCHYARD_METRICS_TOKEN = TOKEN

    answer = client.get(METRICS, headers={"authorization": header} if header else {})

    assert answer.status_code == status


def test_without_a_token_of_the_site_no_bearer_is_let_in(db: None, client: APIClient) -> None:
    assert client.get(METRICS, HTTP_AUTHORIZATION="Bearer None").status_code == 401
    assert client.get(METRICS, HTTP_AUTHORIZATION="Bearer ").status_code == 401


def test_the_token_of_the_site_opens_nothing_else(settings: LazySettings, db: None, client: APIClient) -> None:
    settings.BATCHYARD_METRICS_TOKEN = TOKEN

    assert client.get("/api/v1/jobs", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").status_code == 401


def test_people_who_are_no_superusers_are_refused(bob: User) -> None:
    looker = grant(bob, "ViewJobs", "ViewQueues", "ViewHosts")

    assert client_of(looker).get(METRICS).status_code == 403


def test_the_token_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    env = Environment({"BATCHYARD_METRICS_TOKEN_FILE": str(tmp_path / "token")})

    assert env.secret("BATCHYARD_METRICS_TOKEN") == TOKEN
