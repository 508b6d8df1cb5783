from __future__ import annotations

from datetime import time

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from jobs.models import Job, Queue
from jobs.queueing import control
from jobs.queueing.submit import Request, submit_many
from tests.builders import MONDAY_NOON, make_host, make_job, make_queue, make_schedule
from tests.web.parts import read, start, text

NEVER = {"weekdays": [], "begin": time(0), "end": time(0, 1)}


def test_the_site_begins_with_its_queues(page: Client, site: None) -> None:
    answer = page.get("/", follow=True)

    assert answer.redirect_chain == [("/queues/", 302)]
    assert "anytime" in text(answer)


def test_whoever_is_not_signed_in_is_asked_to(client: Client, site: None) -> None:
    for address in ("/queues/", "/queues/anytime/", "/jobs/", "/jobs/1/", "/submit/", "/submit/command/"):
        answer = client.get(address)

        assert answer.status_code == 302, address
        assert answer["Location"].startswith("/accounts/login/?next=")


def test_queues_tell_whether_they_are_open_and_how_many_jobs_they_have(page: Client, site: None) -> None:
    start(make_job())
    make_job()
    make_job(queue="night")
    Queue.objects.filter(name="night").update(schedule=make_schedule())
    make_queue("shut", enabled=False)

    answer = page.get("/queues/")

    rows = {row.queue.name: row for row in answer.context["queues"]}
    assert (rows["anytime"].gate, rows["anytime"].waiting, rows["anytime"].running) == ("open", 1, 1)
    assert rows["night"].changes_at is not None
    assert rows["shut"].gate == "disabled"
    assert "Friday 22:00 to 06:00 of the next day, UTC" in text(answer)


def test_a_site_without_queues_says_what_to_do(page: Client) -> None:
    answer = page.get("/queues/")

    assert "No queues yet" in text(answer)
    assert "/admin/jobs/queue/add/" in read(answer).addresses


def test_a_queue_is_disabled_and_enabled_again(page: Client, site: None) -> None:
    disabled = page.post("/queues/anytime/disable/")
    was = Queue.objects.get().enabled
    enabled = page.post("/queues/anytime/enable/", {"back": "queue"}, follow=True)

    assert disabled["Location"] == "/queues/"
    assert was is False
    assert enabled.redirect_chain == [("/queues/anytime/", 302)]
    assert Queue.objects.get().enabled is True
    assert "Queue anytime is enabled." in text(enabled)


def test_only_who_may_change_a_queue_switches_it(looker: Client, site: None) -> None:
    shown = looker.get("/queues/")
    answer = looker.post("/queues/anytime/disable/")

    assert "/queues/anytime/disable/" not in read(shown).forms
    assert answer.status_code == 403
    assert Queue.objects.get().enabled is True


def test_a_link_switches_nothing(page: Client, site: None) -> None:
    assert page.get("/queues/anytime/disable/").status_code == 405


def test_a_queue_shows_its_waiting_jobs_in_order_with_reasons(page: Client, site: None) -> None:
    make_host("localhost").__class__.objects.update(seats=1)
    held, first, second = make_job(), make_job(), make_job(priority=5)
    control.hold(held, actor="alice", at=MONDAY_NOON)

    answer = page.get("/queues/anytime/")

    waiting = answer.context["waiting"]
    assert [row.job.pk for row in waiting] == [second.pk, held.pk, first.pk]
    assert [row.why for row in waiting] == [
        "It starts with the dispatcher's next look.",
        "It is held until somebody releases it.",
        "All that is free goes to jobs before it.",
    ]


def test_a_long_line_is_shown_page_by_page_and_read_from_the_index(page: Client, site: None, alice: User) -> None:
    kinds = [Request(queue="anytime", type="command", params={"command": "true"}, priority=n % 3) for n in range(250)]
    submit_many(kinds, owner=alice, at=MONDAY_NOON)
    order = list(Job.objects.order_by("-priority", "position", "id").values_list("pk", flat=True))

    first = page.get("/queues/anytime/")
    second = page.get(f"/queues/anytime/{first.context['further']}")
    third = page.get(f"/queues/anytime/{second.context['further']}")
    plan = Job.objects.filter(queue=Queue.objects.get(), finished_at=None).order_by("-priority", "position", "id")

    pages = [first, second, third]
    assert [row.job.pk for answer in pages for row in answer.context["waiting"]] == order
    assert third.context["further"] is None
    assert (first.context["first"], third.context["first"]) == (None, "/queues/anytime/")
    if connection.vendor == "sqlite":
        assert "job_in_line" in plan.explain()
        assert "TEMP B-TREE" not in plan.explain()


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "999999"])
def test_a_place_in_line_that_nobody_has_is_the_beginning(page: Client, site: None, after: str) -> None:
    job = make_job()

    assert [row.job.pk for row in page.get(f"/queues/anytime/?after={after}").context["waiting"]] == [job.pk]


def test_a_shut_queue_says_why_its_jobs_wait(page: Client, site: None) -> None:
    make_job()
    Queue.objects.update(enabled=False)

    assert 'Queue "anytime" is disabled.' in text(page.get("/queues/anytime/"))


def test_a_queue_of_many_jobs_costs_as_many_queries_as_one_of_few(
    page: Client, site: None, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for _number in range(30):
        make_job()

    with django_assert_max_num_queries(30):  # type: ignore[operator]
        answer = page.get("/queues/anytime/")

    assert len(answer.context["waiting"]) == 30


def test_an_unknown_queue_is_missing_and_a_near_one_is_named(page: Client, site: None) -> None:
    answer = page.get("/queues/anytim/")

    assert answer.status_code == 404
    assert 'Did you mean "anytime"?' in text(answer)


def test_a_list_that_shows_what_there_is_is_not_sent_again(page: Client, site: None) -> None:
    shown = page.get("/queues/")
    renew = shown.context["renew"]

    same = page.get(f"/queues/{renew}")
    make_job()
    changed = page.get(f"/queues/{renew}")

    assert same.status_code in {204, 200}  # the mark also turns with the clock
    assert changed.status_code == 200
    assert b"<html" not in changed.content
    assert b'id="live"' in changed.content


def test_jobs_are_moved_by_buttons_of_one_form(page: Client, site: None) -> None:
    jobs = [make_job() for _ in range(3)]
    shown = page.get("/queues/anytime/")
    assert shown.content.decode().count("formaction=") == 12

    answer = page.post(f"/jobs/{jobs[2].pk}/move/first/", {"after": ""})
    refused = page.post(f"/jobs/{jobs[2].pk}/move/up/", {"after": str(jobs[0].pk)}, follow=True)

    assert answer["Location"] == f"/queues/anytime/#job-{jobs[2].pk}"
    assert f"Job {jobs[2].pk} is the first of its queue." in text(refused)
    assert refused.redirect_chain == [(f"/queues/anytime/?after={jobs[0].pk}#job-{jobs[2].pk}", 302)]
    waiting = [row.job.pk for row in page.get("/queues/anytime/").context["waiting"]]
    assert waiting == [jobs[2].pk, jobs[0].pk, jobs[1].pk]


def test_who_may_only_look_has_no_buttons_to_move_jobs(looker: Client, site: None) -> None:
    job = make_job()

    assert "formaction=" not in looker.get("/queues/anytime/").content.decode()
    assert looker.post(f"/jobs/{job.pk}/move/first/").status_code == 403


def test_a_job_is_moved_nowhere_unknown(page: Client, site: None) -> None:
    assert page.post(f"/jobs/{make_job().pk}/move/away/").status_code == 404


def test_a_job_is_put_into_another_queue_and_before_another_job(page: Client, site: None) -> None:
    job, other = make_job(), make_job(queue="other")
    assert f"/jobs/{job.pk}/move/" in read(page.get(f"/jobs/{job.pk}/")).addresses
    shown = page.get(f"/jobs/{job.pk}/move/")
    assert read(shown).forms[""]["queue"] == ""

    answer = page.post(f"/jobs/{job.pk}/move/", {"queue": "other", "before": str(other.pk)})

    assert answer["Location"] == f"/queues/other/#job-{job.pk}"
    assert [row.job.pk for row in page.get("/queues/other/").context["waiting"]] == [job.pk, other.pk]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"queue": "none"}, "Select a valid choice"),
        ({"queue": "anytime", "before": "999"}, "There is no job 999."),
        ({"queue": "anytime", "before": "0"}, "greater than or equal to 1"),
        ({"queue": "anytime", "before": "itself"}, "cannot be put before itself"),
    ],
    ids=["queue", "job", "number", "itself"],
)
def test_a_place_that_is_none_is_told(page: Client, site: None, sent: dict[str, str], told: str) -> None:
    job = make_job()

    answer = page.post(f"/jobs/{job.pk}/move/", {name: str(job.pk) if v == "itself" else v for name, v in sent.items()})

    assert answer.status_code == 400
    assert told in text(answer)
