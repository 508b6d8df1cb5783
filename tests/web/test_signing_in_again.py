from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job
from tests.builders import make_user
from tests.web.parts import read, text

FORM = "/submit/command/"
FIELDS = {"queue": "anytime", "param_command": 'echo <kept> "me"\n', "notes": "n", "priority": "7"}


@pytest.fixture
def carol(site: None) -> User:
    return make_user("carol", is_superuser=True)


def sign_in(client: Client, asked: Any, **told: str) -> Any:
    fields = read(asked).forms["/accounts/login/"] | {"username": "carol", "password": "correct horse battery staple"}
    return client.post("/accounts/login/", fields | told)


def test_a_form_that_was_sent_after_the_session_had_ended_is_back_after_signing_in(carol: User) -> None:
    client = Client()

    asked = client.post(FORM, FIELDS)
    answer = sign_in(client, asked)
    form: Any = client.get(answer["Location"]).context["form"]

    assert asked.status_code == 403
    assert "Sign in, and your form is back" in text(asked)
    assert answer["Location"] == FORM
    assert {name: form[name].value() for name in FIELDS} == FIELDS
    assert not Job.objects.exists()


def test_a_wrong_password_does_not_lose_the_form(carol: User) -> None:
    client = Client()

    wrong = sign_in(client, client.post(FORM, FIELDS), password="wrong")
    sign_in(client, wrong)

    assert client.get(FORM).context["form"]["param_command"].value() == FIELDS["param_command"]


def test_a_kept_form_is_shown_once_and_on_its_own_page(carol: User) -> None:
    client = Client()
    sign_in(client, client.post(FORM, FIELDS))

    elsewhere = client.get(f"{FORM}?queue=anytime")
    first = client.get(FORM)
    second = client.get(FORM)

    values = [answer.context["form"]["notes"].value() for answer in (elsewhere, first, second)]
    assert values == [None, "n", None]


@pytest.mark.parametrize(
    "kept", ["", "[]", "{", '{"a": 1}', "x" * 2_000_000], ids=["no", "list", "half", "else", "big"]
)
def test_what_is_no_form_is_no_obstacle_to_signing_in(carol: User, kept: str) -> None:
    client = Client()

    answer = sign_in(client, client.get("/accounts/login/?next=/jobs/"), kept_form=kept)

    assert answer["Location"] == "/jobs/"
