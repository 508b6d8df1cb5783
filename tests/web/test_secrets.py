"""Secrets on pages: entered, and never shown again."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from jobs.models import Job, JobType, Parameter, Queue
from jobs.queueing.secrets import read_secrets
from tests.builders import make_job, make_type
from tests.web.parts import read, text

SECRET = "correct-horse-5f1c2b7d"
FORM = "/submit/login/"
FIELD = "secret_param_password"


@pytest.fixture
def login(site: None) -> JobType:
    kind = make_type("login", template='cat "$password"; echo $name', params=("name",))
    Parameter.objects.create(job_type=kind, position=1, name="password", type="Secret", required=True)
    return kind


def form(**fields: str) -> dict[str, str]:
    return {"queue": "anytime", "priority": "0", "param_name": "ann", FIELD: SECRET, "key": "k" * 20, **fields}


def test_a_secret_is_entered_in_a_password_field(page: Client, login: JobType) -> None:
    answer = page.get(FORM).content.decode()

    assert f'<input type="password" name="{FIELD}"' in answer
    assert 'autocomplete="new-password"' in answer


def test_the_form_makes_a_job_that_does_not_show_it(page: Client, login: JobType) -> None:
    answer = page.post(FORM, form(), follow=True)

    job = Job.objects.get()
    assert read_secrets([job.pk]) == {job.pk: {"password": SECRET}}
    assert "***" in text(answer)
    for address in ("/", "/jobs/", f"/jobs/{job.pk}/", f"{FORM}?like={job.pk}"):
        assert SECRET not in page.get(address).content.decode(), address


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"priority": "x"}, id="the form"),
        pytest.param({"param_name": "n\0"}, id="a value"),
        pytest.param({FIELD: "abc12"}, id="the secret"),
    ],
)
def test_a_form_with_a_mistake_comes_back_without_it(page: Client, login: JobType, wrong: dict[str, str]) -> None:
    answer = page.post(FORM, form(**wrong))

    assert answer.status_code == 400
    assert read(answer).forms[""][FIELD] == ""
    assert SECRET not in answer.content.decode()
    assert "abc12" not in answer.content.decode()


def test_the_reason_stands_beside_the_field(page: Client, login: JobType) -> None:
    answer = page.post(FORM, form(**{FIELD: "abc12"}))

    assert "fewer than 6 characters" in str(answer.context["form"].errors[FIELD])


def test_a_form_that_is_kept_over_signing_in_does_not_keep_it(login: JobType, alice: User) -> None:
    browser = Client()

    asked = browser.post(FORM, form())
    [kept] = [form["kept_form"] for form in read(asked).forms.values() if "kept_form" in form]
    browser.force_login(alice)

    assert SECRET not in asked.content.decode()
    assert "ann" in kept
    assert not any(SECRET in str(session.get_decoded()) for session in Session.objects.all())


def test_the_administration_does_not_show_it_either(page: Client, login: JobType) -> None:
    job = make_job(type="login", params={"name": "ann", "password": SECRET})

    for address in ("/admin/jobs/job/", f"/admin/jobs/job/{job.pk}/change/", "/admin/jobs/job/?q=correct-horse"):
        assert SECRET not in page.get(address).content.decode(), address


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(f'{{"name": "n", "password": "{SECRET}", "other": 1}}', id="an unknown name"),
        pytest.param(f'{{"name": "n", "password": "{SECRET}"', id="no JSON"),
        pytest.param(f'["{SECRET}"]', id="no object"),
    ],
)
def test_the_administration_s_form_comes_back_without_it(page: Client, login: JobType, params: str) -> None:
    queue = Queue.objects.get()
    told = {"queue": str(queue.pk), "type": str(login.pk), "params": params, "priority": "0"}

    answer = page.post("/admin/jobs/job/add/", told)

    assert answer.status_code == 200
    assert not Job.objects.exists()
    assert SECRET not in answer.content.decode()
