from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Token, User
from jobs.models import Queue
from tests.api.parts import V1, make_job, start


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_token_is_printed_alone_and_opens_the_api(alice: User) -> None:
    token = said("create_token", "alice").strip()

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert token.startswith("bsk_")
    assert "\n" not in token
    assert client.get(f"{V1}/jobs").status_code == 200


def test_a_token_is_not_kept_in_clear(alice: User) -> None:
    token = said("create_token", "alice").strip()

    assert token not in str(list(Token.objects.values()))


def test_a_token_keeps_what_it_is_for(alice: User) -> None:
    said("create_token", "alice", "--name", "nightly renders")

    assert Token.objects.get().name == "nightly renders"


@pytest.mark.parametrize("name", ["x" * 101, "a\nb"])
def test_a_name_that_cannot_be_kept_is_refused(alice: User, name: str) -> None:
    with pytest.raises(CommandError, match="one line"):
        said("create_token", "alice", "--name", name)


def test_a_token_for_some_days_ends_with_them(alice: User) -> None:
    said("create_token", "alice", "--days", "2")

    expiry = Token.objects.get().expiry
    assert expiry is not None
    assert timedelta(days=1.9) < expiry - timezone.now() < timedelta(days=2.1)


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "99999", "9" * 5000])
def test_a_time_that_cannot_be_is_refused(alice: User, days: str) -> None:
    with pytest.raises(CommandError, match="not possible"):
        said("create_token", "alice", f"--days={days}")


def test_an_unknown_user_gets_no_token(alice: User) -> None:
    with pytest.raises(CommandError, match=r'There is no user "alic"\. Did you mean "alice"'):
        said("create_token", "alic")


def test_a_disabled_user_gets_no_token(bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)

    with pytest.raises(CommandError, match="disabled"):
        said("create_token", "bob")


def test_a_job_that_may_start_is_explained(alice: User, site: None) -> None:
    job = make_job(alice)

    assert said("explain", str(job.pk)).startswith(f"Job {job.pk} is ready.\nNothing keeps it")


def test_a_job_that_waits_is_explained_by_its_blockers(alice: User, site: None) -> None:
    job = make_job(alice)
    Queue.objects.update(enabled=False)

    assert said("explain", str(job.pk)) == f'Job {job.pk} is ready.\nQueue "nightly" is disabled.\n'


def test_a_job_that_runs_is_told_as_that(alice: User, site: None) -> None:
    job = make_job(alice)
    start(job)

    assert said("explain", str(job.pk)) == f"Job {job.pk} is running.\n"


@pytest.mark.parametrize("job", ["0", "999", str(2**63), str(2**64)])
def test_an_unknown_job_is_refused(db: None, job: str) -> None:
    with pytest.raises(CommandError, match=f"There is no job {job}"):
        said("explain", job)
