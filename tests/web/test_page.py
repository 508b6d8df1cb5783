from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs.models import AttemptRequest, Job, Outcome, Phase, Queue
from jobs.queueing import control
from tests.api.parts import finish, write
from tests.builders import MONDAY_NOON, make_job
from tests.web.parts import read, start, text


def asked(answer: Any) -> set[str]:
    """What may be asked of the job on this page."""
    shown = read(answer)
    return {address.split("/")[-2] for address in (*shown.forms, *shown.addresses) if "/ask/" in address}


def test_a_job_shows_what_it_was_given_and_what_happened(page: Client) -> None:
    job = make_job("echo one; exit 3", notes="for <b>Monday</b>")
    attempt = start(job)
    finish(attempt, exit_code=3)

    answer = page.get(f"/jobs/{job.pk}/")

    said = text(answer)
    for part in (f"Job {job.pk}", "echo one; exit 3", "failed", "alice", "localhost", "exited", "anytime"):
        assert part in said
    assert b"for &lt;b&gt;Monday&lt;/b&gt;" in answer.content
    assert answer.context["events"].count() == 3


def test_a_waiting_job_says_why_and_until_when(page: Client) -> None:
    job = make_job(not_before=timezone.now() + timedelta(hours=3))
    Queue.objects.update(enabled=False)

    answer = page.get(f"/jobs/{job.pk}/")

    assert [blocker.kind for blocker in answer.context["blockers"]] == ["not_due", "queue_disabled"]
    assert "It is not to start before" in text(answer)
    assert 'Queue "anytime" is disabled.' in text(answer)
    assert "Until:" in text(answer)


def test_a_job_that_is_about_to_start_says_so(page: Client) -> None:
    assert "It starts with the dispatcher's next look." in text(page.get(f"/jobs/{make_job().pk}/"))


@pytest.mark.parametrize(
    ("phase", "request_", "verbs"),
    [
        pytest.param(Phase.RUNNING, "", {"cancel", "kill", "pause"}, id="running"),
        pytest.param(Phase.STAGING_IN, "", {"cancel", "kill"}, id="bringing files"),
        pytest.param(Phase.PAUSED, "", {"cancel", "kill", "resume"}, id="paused"),
        pytest.param(Phase.RUNNING, "pause", {"cancel", "kill", "resume"}, id="to be paused"),
        pytest.param(Phase.PAUSED, "resume", {"cancel", "kill"}, id="to be resumed"),
        pytest.param(Phase.RUNNING, "cancel", {"kill"}, id="being cancelled"),
        pytest.param(Phase.RUNNING, "kill", set(), id="being killed"),
    ],
)
def test_a_running_job_offers_what_is_possible(page: Client, phase: Phase, request_: str, verbs: set[str]) -> None:
    job = make_job()
    attempt = start(job, phase=phase)
    attempt.request = request_
    attempt.save(update_fields=["request"])

    assert asked(page.get(f"/jobs/{job.pk}/")) == verbs


def test_waiting_and_finished_jobs_offer_what_is_possible(page: Client) -> None:
    waiting, held, ended = make_job(), make_job(), make_job()
    control.hold(held, actor="alice", at=MONDAY_NOON)
    finish(start(ended))

    assert asked(page.get(f"/jobs/{waiting.pk}/")) == {"cancel", "hold"}
    assert asked(page.get(f"/jobs/{held.pk}/")) == {"cancel", "release"}
    assert asked(page.get(f"/jobs/{ended.pk}/")) == {"retry"}


def test_who_may_only_look_is_offered_nothing(looker: Client) -> None:
    job = make_job()

    answer = looker.get(f"/jobs/{job.pk}/")

    assert asked(answer) == set()
    assert looker.post(f"/jobs/{job.pk}/ask/cancel/").status_code == 403


def test_a_job_is_held_released_cancelled_and_retried(page: Client) -> None:
    job = make_job()
    states = []
    for verb in ("hold", "release", "cancel", "retry"):
        answer = page.post(f"/jobs/{job.pk}/ask/{verb}/", follow=True)
        job.refresh_from_db()
        states.append((job.state, job.is_held))
        assert f"Job {job.pk}: {verb}, done." in text(answer)

    assert states == [("blocked", True), ("ready", False), ("cancelled", False), ("ready", False)]


def test_a_running_job_is_asked(page: Client) -> None:
    job = make_job()
    attempt = start(job)

    answer = page.post(f"/jobs/{job.pk}/ask/cancel/", follow=True)

    attempt.refresh_from_db()
    assert attempt.request == AttemptRequest.CANCEL
    assert f"Job {job.pk} was asked: cancel." in text(answer)
    assert "asked to cancel" in text(answer)


def test_what_is_refused_is_told_with_the_reason(page: Client) -> None:
    job = make_job()

    answer = page.post(f"/jobs/{job.pk}/ask/pause/", follow=True)

    assert f"Job {job.pk} is ready; it cannot be asked to pause." in text(answer)


@pytest.mark.parametrize("address", ["999999/", "99999999999999999999/", "x/", "1/ask/cancel/", "1/output/1/stdout/"])
def test_a_job_that_does_not_exist_is_missing(page: Client, site: None, address: str) -> None:
    method = page.post if "ask" in address else page.get

    assert method(f"/jobs/{address}").status_code == 404


@pytest.mark.parametrize("query", ["stream=out", "attempt=7", "attempt=x", "attempt=-1", "attempt=" + "9" * 30])
def test_output_that_does_not_exist_is_missing(page: Client, query: str) -> None:
    job = make_job()
    start(job)

    assert page.get(f"/jobs/{job.pk}/?{query}").status_code == 404


def test_nothing_unknown_is_asked_and_nothing_by_a_link(page: Client) -> None:
    job = make_job()

    asked = page.get(f"/jobs/{job.pk}/ask/cancel/")

    assert page.post(f"/jobs/{job.pk}/ask/explode/").status_code == 404
    assert f"Cancel job {job.pk}?" in text(asked)
    assert Job.objects.get().state == "ready"


@pytest.mark.parametrize("verb", ["cancel", "kill"])
def test_what_cannot_be_undone_is_asked_once_more(page: Client, verb: str) -> None:
    job = make_job("render <all>")
    attempt = start(job)

    offered = page.get(f"/jobs/{job.pk}/")
    asked = page.get(f"/jobs/{job.pk}/ask/{verb}/")
    attempt.refresh_from_db()
    was_asked = attempt.request
    page.post(f"/jobs/{job.pk}/ask/{verb}/")

    attempt.refresh_from_db()
    assert f"/jobs/{job.pk}/ask/{verb}/" not in read(offered).forms
    assert "is lost" in text(asked)
    assert b"render &lt;all&gt;" in asked.content
    assert f"/jobs/{job.pk}/" in read(asked).addresses
    assert was_asked == ""
    assert attempt.request == verb


def test_what_can_be_undone_is_done_at_once(page: Client) -> None:
    job = make_job()

    assert f"/jobs/{job.pk}/ask/cancel/" in read(page.get(f"/jobs/{job.pk}/")).forms


def test_forms_from_elsewhere_are_refused(alice: object, site: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)  # type: ignore[arg-type]
    job = make_job()

    assert strict.post(f"/jobs/{job.pk}/ask/cancel/").status_code == 403
    assert Job.objects.get().state == "ready"


def test_the_part_that_changes_comes_alone(page: Client) -> None:
    job = make_job()
    start(job)

    answer = page.get(f"/jobs/{job.pk}/?seen=1")

    assert b"<html" not in answer.content
    assert b'id="live"' in answer.content
    assert b'id="live-more"' in answer.content
    assert b"output-box" not in answer.content


def test_each_attempt_shows_its_ending_and_its_output(page: Client) -> None:
    job = make_job()
    first = start(job)
    write(first, ("stdout", b"from the first\n"))
    finish(first, exit_code=7)
    control.retry(Job.objects.get(), actor="alice", at=timezone.now())
    job.refresh_from_db()
    second = start(job)
    write(second, ("stdout", b"from the second\n"), ("stderr", b"beside it\n"))
    type(second).objects.filter(pk=second.pk).update(outcome=Outcome.SIGNALLED, signal=9, finished_at=timezone.now())

    last = page.get(f"/jobs/{job.pk}/")
    pinned = page.get(f"/jobs/{job.pk}/?attempt=1")
    errors = page.get(f"/jobs/{job.pk}/?stream=stderr")

    assert "signal 9" in text(last)
    assert last.context["tail"].text == "from the second\nbeside it\n"
    assert pinned.context["tail"].text == "from the first\n"
    assert "attempt=1" in pinned.context["stream"]
    assert errors.context["tail"].text == "beside it\n"
    assert f"/jobs/{job.pk}/output/2/stderr/" in read(last).addresses
