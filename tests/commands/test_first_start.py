from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from hosts.models import Host, TransportKind
from jobs.config.seed import seed
from jobs.models import JobType, Queue, Schedule


def first_start() -> str:
    out = StringIO()
    call_command("first_start", stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_first_start_makes_all_that_a_first_job_needs() -> None:
    first_start()

    host, queue, kind = Host.objects.get(), Queue.objects.get(), JobType.objects.get()
    assert (host.name, host.transport) == ("localhost", TransportKind.LOCAL)
    assert host.seats >= 1
    assert queue.name == "default"
    assert queue.schedule == Schedule.objects.get(name="anytime")
    assert (kind.name, kind.template) == ("command", "exec sh -c -- $command")
    (parameter,) = kind.parameters.all()
    assert (parameter.name, parameter.type, parameter.title, parameter.required) == (
        "command",
        "String",
        "Command",
        True,
    )


@pytest.mark.django_db
def test_the_printed_password_opens_the_account() -> None:
    out = first_start()

    password = next(line for line in out.splitlines() if "only this once" in line).rpartition(" ")[2]
    user = User.objects.get(username="admin")
    assert user.check_password(password)
    assert user.is_superuser


@pytest.mark.django_db
def test_a_later_start_prints_and_changes_nothing() -> None:
    first_start()
    before = User.objects.get().password

    assert first_start() == ""

    assert User.objects.get().password == before
    assert [m.objects.count() for m in (User, Host, Schedule, Queue, JobType)] == [1, 1, 1, 1, 1]


@pytest.mark.django_db
def test_no_account_is_made_where_somebody_has_one() -> None:
    User.objects.create_user("alice")

    out = first_start()

    assert "password" not in out
    assert [user.username for user in User.objects.all()] == ["alice"]
    assert Queue.objects.get().name == "default"


@pytest.mark.django_db
def test_what_was_renamed_does_not_come_back() -> None:
    first_start()
    Queue.objects.update(name="nightly")
    Host.objects.update(name="workhorse")

    assert first_start() == ""

    assert [queue.name for queue in Queue.objects.all()] == ["nightly"]
    assert [host.name for host in Host.objects.all()] == ["workhorse"]


@pytest.mark.django_db(transaction=True)
def test_of_processes_that_start_at_once_one_makes_everything() -> None:
    passwords: list[str | None] = []
    together = threading.Barrier(4)

    def start() -> None:
        together.wait(timeout=10)
        try:
            passwords.append(seed().password)
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len([password for password in passwords if password]) == 1
    assert len(passwords) == 4
    assert [m.objects.count() for m in (User, Host, Schedule, Queue, JobType)] == [1, 1, 1, 1, 1]
