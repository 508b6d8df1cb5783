"""What is sent, when it is tried again, and when it is given up. Over real SMTP and HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings

from jobs.models import Delivery, JobState, Notice
from jobs.notices import delivery
from jobs.notices.delivery import LEASE, PAUSES, send_again
from jobs.notices.sending import Answer, Letter
from tests.builders import grant, make_job, make_queue, make_user
from tests.notices.parts import LATER, deliver, end, subscribe, told
from tests.servers.sinks import HttpSink, SmtpSink, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]


def state_of(notice: Notice) -> tuple[str, int]:
    notice.refresh_from_db()
    return notice.delivery, notice.tries


def test_mail_and_webhook_say_what_happened_and_where_to_look(
    web: HttpSink, mail: SmtpSink, settings: LazySettings
) -> None:
    settings.BATCHYARD_URL = "https://yard.example.org"
    job = make_job("echo hunter2", notes="hunter3")
    subscribe("failed", url=web.url)
    subscribe("failed", url=mail.url)
    end(job, JobState.FAILED, reason="Exit code 3.")

    assert deliver() == 2

    [posted], [sent] = web.posted, mail.mails
    assert posted["title"] == sent["Subject"] == f"Batchyard: Job {job.pk} in queue anytime has failed."
    for body in (posted["message"], text_of(sent)):
        assert "Exit code 3." in body
        assert f"https://yard.example.org/jobs/{job.pk}/" in body
        assert "hunter" not in body
    assert set(Notice.objects.values_list("delivery", "tries", "error")) == {("sent", 1, "")}


def test_all_that_a_subscription_is_to_be_told_is_one_letter(web: HttpSink) -> None:
    subscribe("failed", "succeeded", url=web.url)
    for state in (JobState.FAILED, JobState.SUCCEEDED, JobState.FAILED):
        end(make_job(), state)

    deliver()

    [posted] = web.posted
    assert posted["title"] == "Batchyard: 2 × a job has failed, 1 × a job has succeeded"
    assert [f"notice {pk}" in posted["message"] for pk in Notice.objects.values_list("pk", flat=True)] == [True] * 3


def test_what_was_sent_is_not_sent_again(web: HttpSink) -> None:
    subscribe("failed", url=web.url)
    end(make_job(), JobState.FAILED)

    assert deliver() == 1
    assert deliver(LATER + timedelta(days=1)) == 0

    assert len(web.posted) == 1


def test_a_service_that_refuses_is_tried_later_and_then_told(web: HttpSink) -> None:
    web.status = 500
    subscribe("failed", url=web.url)
    end(make_job(), JobState.FAILED)

    deliver()
    notice = Notice.objects.get()
    assert state_of(notice) == ("waiting", 1)
    assert notice.next_at == LATER + PAUSES[0]
    assert "500" in notice.error
    web.status = 200

    assert deliver(LATER + PAUSES[0] - timedelta(seconds=1)) == 0
    assert deliver(LATER + PAUSES[0]) == 1
    assert state_of(notice) == ("sent", 2)


def test_what_fails_for_long_is_given_up_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the process is left out: each real try would take a second.
    monkeypatch.setattr(delivery, "send", lambda letters: [Answer(one.id, "No.", is_final=False) for one in letters])
    subscribe("failed")
    end(make_job(), JobState.FAILED)
    notice, at = Notice.objects.get(), LATER

    for pause in PAUSES:
        assert deliver(at) == 1
        at += pause
    assert state_of(notice) == ("waiting", len(PAUSES))
    deliver(at)
    assert state_of(notice) == ("dead", len(PAUSES) + 1)
    assert deliver(at + timedelta(days=1)) == 0

    send_again(Notice.objects.all(), at=at)
    assert state_of(notice) == ("waiting", 0)
    assert deliver(at) == 1


def test_a_pass_that_dies_loses_nothing(monkeypatch: pytest.MonkeyPatch, web: HttpSink) -> None:
    def dies(letters: object) -> list[Answer]:
        raise KeyboardInterrupt

    subscribe("failed", url=web.url)
    end(make_job(), JobState.FAILED)
    with monkeypatch.context() as context:
        context.setattr(delivery, "send", dies)
        with pytest.raises(KeyboardInterrupt):
            deliver()

    assert deliver(LATER + LEASE - timedelta(seconds=1)) == 0
    assert deliver(LATER + LEASE) == 1

    assert len(web.posted) == 1
    assert state_of(Notice.objects.get()) == ("sent", 2)


def test_of_two_passes_one_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def meanwhile(letters: list[Letter]) -> list[Answer]:
        sent.append([one.id for one in letters])
        assert deliver() == 0
        return [Answer(one.id, "", is_final=False) for one in letters]

    monkeypatch.setattr(delivery, "send", meanwhile)
    subscribe("failed")
    end(make_job(), JobState.FAILED)

    assert deliver() == 1

    assert len(sent) == 1


def test_a_pass_that_lost_its_claim_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(letters: list[Letter]) -> list[Answer]:
        Notice.objects.update(claim="another")
        return [Answer(one.id, "", is_final=False) for one in letters]

    monkeypatch.setattr(delivery, "send", slow)
    subscribe("failed")
    end(make_job(), JobState.FAILED)

    deliver()

    assert state_of(Notice.objects.get())[0] == Delivery.WAITING


def test_a_service_that_never_answers_holds_a_pass_for_a_while_only(
    web: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.notices.sending.SEND_SECONDS", 4.0)
    web.gate.clear()
    subscribe("failed", url=f"{web.url}?rto=600")
    end(make_job(), JobState.FAILED)

    deliver()

    notice = Notice.objects.get()
    assert state_of(notice) == ("waiting", 1)
    assert notice.error == "The service has not answered in time."


def test_people_are_not_told_of_what_they_may_not_see(web: HttpSink) -> None:
    bob = grant(make_user("bob"), "ViewJobs", queue=make_queue("his"))
    subscribe("failed", url=web.url, owner=bob)
    his, other = make_job(queue="his"), make_job()
    for job in (his, other):
        end(job, JobState.FAILED)

    deliver()

    assert told() == [("failed", his.pk)]
    assert str(other.pk) not in web.posted[0]["title"]


def test_whoever_is_disabled_is_told_nothing(web: HttpSink) -> None:
    bob = make_user("bob", is_superuser=True)
    subscribe("failed", url=web.url, owner=bob)
    end(make_job(), JobState.FAILED)
    bob.is_active = False
    bob.save(update_fields=["is_active"])

    deliver()

    assert web.posted == []
    assert told() == []
