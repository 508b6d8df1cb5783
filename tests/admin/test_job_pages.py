from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs.dispatch.tick import pass_once
from jobs.models import Attempt, AttemptRequest, Event, Job, JobState, Queue
from jobs.queueing import control
from tests.admin.pages import fields_of, text, url
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue, make_type

ADD = "/admin/jobs/job/add/"


def form(**changed: Any) -> dict[str, Any]:
    queue, kind = make_queue(), make_type()
    plain = {"queue": queue.pk, "type": kind.pk, "params": '{"command": "true"}', "priority": 0, "notes": ""}
    return plain | changed


def run(*jobs: Job) -> None:
    """Let the dispatcher start them."""
    make_host()
    pass_once(at=MONDAY_NOON)
    for job in jobs:
        job.refresh_from_db()
        assert job.state == JobState.RUNNING


def ask(page: Client, action: str, *jobs: Job) -> str:
    sent = {"action": action, "_selected_action": [job.pk for job in jobs]}
    return text(page.post(url(Job, "changelist"), sent, follow=True))


# --- submitting ---


def test_a_job_is_submitted_by_whoever_is_logged_in(page: Client, boss: User) -> None:
    answer = page.post(ADD, form(params='{"command": "echo hi"}', notes="as agreed", priority=7), follow=True)

    job = Job.objects.get()
    assert "was added successfully" in text(answer)
    assert (job.owner, job.state, job.notes, job.priority) == (boss, JobState.READY, "as agreed", 7)
    assert job.params == {"command": "echo hi"}
    assert Event.objects.get().actor == "boss"


def test_the_parameters_of_a_type_are_written_down_to_be_filled_in(page: Client) -> None:
    kind = make_type("render", template="echo $scene $frames", params=("scene", "frames"))
    kind.parameters.filter(name="frames").update(default="24")

    sent = fields_of(page, f"{ADD}?type={kind.pk}")

    assert '"scene": ""' in sent["params"]
    assert '"frames": "24"' in sent["params"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"params": '{"comand": "true"}'}, 'Did you mean "command"?', id="unknown parameter"),
        pytest.param({"params": "{command: true}"}, "This is not JSON.", id="no JSON"),
        pytest.param({"params": "[1]"}, "This is not a JSON object.", id="a list"),
        pytest.param({"params": '{"command": 5}'}, 'Parameter "command" is a text', id="a number"),
        pytest.param({"priority": "1e3"}, "Enter a whole number.", id="priority"),
        pytest.param({"queue": 4711}, "Select a valid choice.", id="queue"),
        pytest.param({"notes": "n" * 10_001}, "Notes are text of at most 10000 characters.", id="notes"),
        pytest.param(
            {"not_before_0": "2126-01-01", "not_before_1": "00:00:00"}, "more than 20 years ahead", id="far ahead"
        ),
    ],
)
def test_an_impossible_job_is_refused_with_the_reason(page: Client, changed: dict[str, Any], message: str) -> None:
    answer = page.post(ADD, form(**changed))

    assert answer.status_code == 200
    assert message in text(answer)
    assert not Job.objects.exists()


# --- one job ---


def test_a_page_of_a_waiting_job_says_what_it_waits_for(page: Client) -> None:
    job = make_job()
    Queue.objects.update(enabled=False)

    assert 'Queue "anytime" is disabled.' in text(page.get(url(Job, "change", job.pk)))


def test_a_page_shows_attempts_and_history_and_markup_stays_text(page: Client) -> None:
    job = make_job("<script>alert(1)</script>")
    run(job)
    Attempt.objects.update(reason="<b>odd</b>")

    answer = page.get(url(Job, "change", job.pk))

    source = answer.content.decode()
    assert "<script>alert(1)" not in source
    assert "<b>odd</b>" not in source
    assert "&lt;b&gt;odd" in source
    assert "starting host" in text(answer)
    assert "ready running" in text(answer)


def test_priority_and_notes_of_a_waiting_job_are_changed_and_told_in_its_history(page: Client) -> None:
    job = make_job()
    address = url(Job, "change", job.pk)

    page.post(address, fields_of(page, address) | {"priority": 5, "notes": "sooner"})

    job.refresh_from_db()
    assert (job.priority, job.notes) == (5, "sooner")
    assert Event.objects.filter(job_id=job.pk, actor="boss", reason__contains="priority: 5").exists()


def test_nothing_else_of_a_job_is_changed_whatever_is_sent(page: Client) -> None:
    job = make_job()
    before = Job.objects.values().get()
    other = make_queue("other")

    sent = {"notes": "", "priority": 0, "queue": other.pk, "state": "succeeded", "owner": 1, "is_held": "on"}
    page.post(url(Job, "change", job.pk), sent)

    assert Job.objects.values().get() == before


def test_only_the_notes_of_a_running_job_are_changed(page: Client) -> None:
    job = make_job()
    run(job)

    page.post(url(Job, "change", job.pk), {"priority": 9, "notes": "look at this"})

    job.refresh_from_db()
    assert (job.priority, job.notes) == (0, "look at this")


def test_a_change_that_comes_too_late_is_refused_with_the_reason(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job()
    change = control.change

    def after_the_start(*args: Any, **named: Any) -> bool:
        run(job)
        return change(*args, **named)

    monkeypatch.setattr(control, "change", after_the_start)
    answer = page.post(url(Job, "change", job.pk), {"priority": 9, "notes": ""}, follow=True)

    assert "only a waiting job can be changed" in text(answer)
    assert "changed successfully" not in text(answer)
    assert Job.objects.get().priority == 0


# --- looking for jobs ---


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("agreed", id="a word of the notes"),
        pytest.param("needle.txt", id="a part of a parameter"),
        pytest.param("Müll", id="letters beyond ASCII in a parameter"),
        pytest.param("NUMBER", id="the number"),
    ],
)
def test_jobs_are_found_by(page: Client, word: str) -> None:
    make_job("true")
    found = make_job("cat needle.txt Müll", notes="as agreed")

    answer = page.get(url(Job, "changelist"), {"q": str(found.pk) if word == "NUMBER" else word})

    assert [job.pk for job in answer.context["cl"].result_list] == [found.pk]


@pytest.mark.parametrize(
    "word",
    ["9" * 30, "²", "' OR 1=1", "%", "\\", "🎈"],
    ids=["long", "no digit", "quote", "any", "backslash", "balloon"],
)
def test_odd_words_find_nothing_and_break_nothing(page: Client, word: str) -> None:
    make_job()

    answer = page.get(url(Job, "changelist"), {"q": word})

    assert answer.status_code == 200
    assert not answer.context["cl"].result_list


# --- what may be asked ---


def test_waiting_jobs_are_cancelled_at_once_and_running_ones_asked(page: Client) -> None:
    first = make_job()
    run(first)
    Queue.objects.update(max_running=1)
    second = make_job()

    told = ask(page, "cancel", first, second)

    second.refresh_from_db()
    assert second.state == JobState.CANCELLED
    assert Attempt.objects.get(job=first).request == AttemptRequest.CANCEL
    assert "1 job: done." in told
    assert "1 running job was asked." in told


def test_jobs_are_held_released_and_retried(page: Client) -> None:
    job = make_job()

    ask(page, "hold", job)
    job.refresh_from_db()
    assert (job.is_held, job.state) == (True, JobState.BLOCKED)

    ask(page, "release", job)
    job.refresh_from_db()
    assert (job.is_held, job.state) == (False, JobState.READY)

    ask(page, "cancel", job)
    ask(page, "retry", job)
    job.refresh_from_db()
    assert job.state == JobState.READY


def test_a_refusal_says_why_and_stops_no_other_job(page: Client) -> None:
    ended, waiting = make_job(), make_job()
    ask(page, "cancel", ended)

    told = ask(page, "hold", ended, waiting)

    waiting.refresh_from_db()
    assert waiting.is_held
    assert f"Job {ended.pk} is cancelled; only a waiting job can be changed." in told
    assert "1 job: done." in told


# --- deleting ---


def test_a_job_that_does_not_run_is_deleted_with_its_history(page: Client) -> None:
    job = make_job()

    page.post(url(Job, "delete", job.pk), {"post": "yes"})

    assert not Job.objects.exists()
    assert not Event.objects.exists()


def test_a_running_job_is_not_deleted(page: Client) -> None:
    job = make_job()
    run(job)

    one = page.post(url(Job, "delete", job.pk), {"post": "yes"})
    many = ask(page, "delete_selected", job)

    assert one.status_code == 403
    assert "Cancel it first." in many
    assert Job.objects.exists()


def test_of_many_selected_jobs_none_goes_while_one_runs(page: Client) -> None:
    running = make_job()
    run(running)
    waiting = make_job()
    sent = {"action": "delete_selected", "_selected_action": [running.pk, waiting.pk], "post": "yes"}

    page.post(url(Job, "changelist"), sent)

    assert Job.objects.count() == 2


def test_selected_jobs_that_wait_are_deleted(page: Client) -> None:
    jobs = [make_job(), make_job()]
    sent = {"action": "delete_selected", "_selected_action": [job.pk for job in jobs], "post": "yes"}

    page.post(url(Job, "changelist"), sent)

    assert not Job.objects.exists()
