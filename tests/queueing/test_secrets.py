"""Secret parameters, from submission to the engine that hands them over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from jobs.execution import runs
from jobs.execution.prepare import Workbench
from jobs.models import Attempt, Job, JobSecret, Parameter
from jobs.outcomes import Ending
from jobs.parameters import declare
from jobs.problems import Problems, Refused
from jobs.queueing.secrets import read_secrets
from jobs.queueing.submit import Request, submit, submit_list
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue, make_type, make_user
from tests.web.parts import start

pytestmark = pytest.mark.django_db
SECRET = "correct-horse-5f1c2b7d"


@pytest.fixture(autouse=True)
def kind() -> None:
    kind = make_type("login", template='cat "$password"; echo $name', params=("name",))
    Parameter.objects.create(job_type=kind, position=1, name="password", type=Parameter.Type.SECRET)


def make_login(**params: Any) -> Job:
    return make_job(type="login", params={"name": "ann", "password": SECRET, **params})


def all_texts() -> str:
    """Everything that stands in the database, whatever its type."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        told = []
        for name in names:
            cursor.execute(f'SELECT * FROM "{name}"')
            told.append(repr(cursor.fetchall()))
    return "\n".join(told)


def test_a_job_shows_a_sign_in_the_place_of_its_secret() -> None:
    job = make_login()

    job.refresh_from_db()
    assert job.params == {"name": "ann", "password": "***"}
    assert read_secrets([job.pk]) == {job.pk: {"password": SECRET}}


def test_nothing_in_the_database_tells_it() -> None:
    make_login()

    assert "ann" in all_texts()
    assert SECRET not in all_texts()


def test_a_secret_that_is_not_given_is_empty() -> None:
    job = make_login(password="")

    assert job.params == {"name": "ann", "password": ""}
    assert not JobSecret.objects.exists()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        pytest.param("12345", "too_short", id="too short to be found"),
        pytest.param("***", "too_short", id="the sign itself"),
        pytest.param("x" * 40_000, "too_long", id="too long"),
        pytest.param("pass\0word", "bad_character", id="NUL"),
        pytest.param(1234567, "wrong_type", id="a number"),
    ],
)
def test_what_cannot_be_kept_secret_is_refused_without_being_repeated(value: object, code: str) -> None:
    with pytest.raises(Problems) as refused:
        make_login(password=value)

    assert [(problem.code, problem.field) for problem in refused.value.problems] == [(code, "params.password")]
    assert str(value) not in str(refused.value).replace(f'"{value}"', "") or len(str(value)) < 6


def test_a_secret_has_no_default() -> None:
    with pytest.raises(Problems, match="A Secret has no default"):
        declare([{"name": "password", "type": "Secret", "default": SECRET}])


def test_secrets_of_many_jobs_stay_with_their_jobs() -> None:
    make_host()
    make_queue()
    requests = [
        Request(queue="anytime", type="login", params={"name": "ann", "password": f"{SECRET}-{n}"}) for n in range(3)
    ]

    ids = submit_list(requests, owner=make_user(), at=MONDAY_NOON, idempotency_key="once")

    assert read_secrets(ids) == {pk: {"password": f"{SECRET}-{n}"} for n, pk in enumerate(ids)}
    assert submit_list(requests, owner=make_user(), at=MONDAY_NOON, idempotency_key="once") == ids


def test_a_key_that_is_used_again_means_the_same_secret() -> None:
    make_host()
    make_queue()
    asked = Request(queue="anytime", type="login", params={"name": "ann", "password": SECRET})
    other = Request(queue="anytime", type="login", params={"name": "ann", "password": f"{SECRET}!"})

    first = submit(asked, owner=make_user(), at=MONDAY_NOON, idempotency_key="once")

    assert submit(asked, owner=make_user(), at=MONDAY_NOON, idempotency_key="once") == first
    with pytest.raises(Refused, match="asked for in other words"):
        submit(other, owner=make_user(), at=MONDAY_NOON, idempotency_key="once")


def test_what_is_stored_of_a_request_needs_the_site_s_key(settings: Any) -> None:
    asked = Request(queue="anytime", type="login", params={"password": SECRET})
    before = asked.digest

    settings.SECRET_KEY = "another site"

    assert asked.digest != before


def test_a_site_that_has_lost_its_keys_refuses(settings: Any, tmp_path: Any) -> None:
    make_login()
    settings.BATCHYARD_SECRET_KEYS_FILE = tmp_path / "lost"

    with pytest.raises(Problems, match="cannot keep secrets now"):
        make_login()

    assert Job.objects.count() == 1
    assert not (tmp_path / "lost").exists()


def test_a_run_is_told_where_its_secret_is() -> None:
    attempt = start(make_login())

    [run] = runs.load([attempt.pk])
    request = Workbench(make_host(), runs_directory="/base/runs").prepare(run).request

    assert request.secrets == {"password": SECRET}
    assert request.environment["BY_password"] == f"/base/runs/{attempt.marker}/secrets/password"
    assert SECRET not in json.dumps(dict(request.environment)) + request.script.text + repr(run) + repr(request)


def test_what_tells_its_secret_on_the_host_is_removed_at_its_end() -> None:
    attempt, other = start(make_login()), start(make_job())
    bench = Workbench(make_host(), runs_directory="/base/runs")

    left = {run.attempt: bench.leftovers(run) for run in runs.load([attempt.pk, other.pk])}

    place = f"/base/runs/{attempt.marker}"
    assert left == {attempt.pk: [f"{place}/secrets", f"{place}/stdout", f"{place}/stderr"], other.pk: []}


def test_the_end_of_a_run_is_told_without_its_secret() -> None:
    attempt = start(make_login())
    [run] = runs.load([attempt.pk])

    told = run.told(Ending("stage_failed", reason=f"Output file {SECRET}.txt was not written."))

    assert told.reason == f"Output file {'*' * len(SECRET)}.txt was not written."


def test_a_secret_that_cannot_be_read_stops_its_run_alone(settings: Any, tmp_path: Any) -> None:
    attempt, other = start(make_login()), start(make_job())
    settings.BATCHYARD_SECRET_KEYS_FILE = tmp_path / "lost"

    found = {run.attempt: run for run in runs.load([attempt.pk, other.pk])}

    hidden = found[attempt.pk].hidden
    assert hidden is not None
    assert hidden.redaction.piece(b"anything\n", seen=0, is_last=True) == b"********\n"
    assert found[other.pk].hidden is None


def test_runs_without_secrets_are_loaded_as_before(django_assert_num_queries: Any) -> None:
    plain, secret = start(make_job()), start(make_login())
    runs.load([plain.pk])

    with django_assert_num_queries(3):
        runs.load([plain.pk])
    with django_assert_num_queries(4):
        runs.load([secret.pk])


def test_a_secret_goes_with_its_job() -> None:
    job = make_login()

    Job.objects.filter(pk=job.pk).delete()

    assert not JobSecret.objects.exists()
    assert not Attempt.objects.exists()
