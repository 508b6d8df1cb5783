from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job, JobType, Parameter
from tests.builders import grant, make_host, make_job, make_queue, make_type
from tests.web.parts import read, text

FORM = "/submit/render/"


@pytest.fixture
def render(site: None) -> JobType:
    """A type that asks for one value of each kind."""
    kind = make_type("render", template="echo $scene", params=(), title="Frames of a film")
    declared: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("scene", "String", {"required": True, "title": "Scene"}),
        ("frame", "Int", {"default": "1"}),
        ("draft", "Boolean", {"default": "false"}),
        ("quality", "Choice", {"choices": ["low", "high"], "default": "low", "required": True}),
        ("model", "InputFile", {}),
        ("picture", "OutputFile", {}),
        ("suffix", "String", {"default": "png"}),
    )
    for place, (name, type_, told) in enumerate(declared):
        Parameter.objects.create(job_type=kind, position=place, name=name, type=type_, **told)
    return kind


def sent(page: Client, address: str = FORM, **fields: str) -> dict[str, str]:
    """The form of the page as a browser would send it, with `fields` filled in."""
    form = {name: value for name, value in page.get(address).context["form"].initial.items() if value is not None}
    declared = {field.html_name: field.value() or "" for field in page.get(address).context["form"].given}
    return {**declared, **form, "queue": "anytime", "priority": "0", **fields}


def test_kinds_of_work_are_shown_to_choose_from(page: Client, render: JobType) -> None:
    answer = page.get("/submit/?queue=anytime")

    assert "Frames of a film" in text(answer)
    assert "/submit/render/?queue=anytime" in read(answer).addresses


def test_a_site_without_job_types_says_what_to_do(page: Client) -> None:
    assert "No job types yet" in text(page.get("/submit/"))


@pytest.mark.meets("BD-59")
def test_the_form_asks_for_what_the_type_declares(page: Client, render: JobType) -> None:
    answer = page.get(FORM)

    form = answer.context["form"]
    assert next(field.label for field in form.given) == "Scene"
    assert form["param_frame"].field.widget.input_type == "number"
    assert [value for value, _label in form["param_quality"].field.choices] == ["low", "high"]
    assert [value for value, _label in form["param_draft"].field.choices] == ["", "true", "false"]
    assert "beneath" in form["param_model"].help_text
    assert form["param_scene"].field.required
    assert form["queue"].value() == "anytime"


def test_a_filled_in_form_makes_a_job(page: Client, render: JobType) -> None:
    make_host("far")
    fields = sent(page, param_scene="a\r\nb", param_frame="7", param_draft="true", param_quality="high",
                  param_model="in/x", host="far", notes="hello", priority="5", is_held="on",
                  not_before="2026-03-02T22:00:00")  # fmt: skip

    answer = page.post(FORM, fields)

    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert job.params["scene"] == "a\nb"
    assert job.params["model"].endswith("/files/in/x")
    assert {key: job.params[key] for key in ("frame", "draft", "quality", "picture", "suffix")} == {
        "frame": "7", "draft": "true", "quality": "high", "picture": "", "suffix": "png",
    }  # fmt: skip
    assert (job.host.name if job.host else None, job.notes, job.priority, job.is_held) == ("far", "hello", 5, True)
    assert str(job.not_before) == "2026-03-02 22:00:00+00:00"
    assert job.owner.username == "alice"


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        pytest.param("UTC", "2026-07-02 22:00:00+00:00", id="UTC"),
        pytest.param("Europe/Berlin", "2026-07-02 20:00:00+00:00", id="the viewer's own"),
        pytest.param("", "2026-07-02 22:00:00+00:00", id="without scripts"),
        pytest.param("../etc/passwd", "2026-07-02 22:00:00+00:00", id="no zone"),
        pytest.param("x" * 5000, "2026-07-02 22:00:00+00:00", id="no name"),
    ],
)
def test_a_moment_is_entered_in_the_zone_of_the_page(page: Client, render: JobType, zone: str, moment: str) -> None:
    page.post(FORM, sent(page, param_scene="a", not_before="2026-07-02T22:00:00", zone=zone))

    assert str(Job.objects.get().not_before) == moment


def test_a_moment_that_clocks_skip_or_repeat_is_asked_about(page: Client, render: JobType) -> None:
    fields = sent(page, param_scene="a", not_before="2026-03-29T02:30:00", zone="Europe/Berlin")

    answer = page.post(FORM, fields)

    assert "time zone Europe/Berlin" in str(answer.context["form"].errors["not_before"])


def test_an_emptied_text_is_an_empty_text(page: Client, render: JobType) -> None:
    page.post(FORM, sent(page, param_scene="a", param_suffix="", param_frame=""))

    assert (Job.objects.get().params["suffix"], Job.objects.get().params["frame"]) == ("", "1")


def test_pressing_twice_makes_one_job(page: Client, render: JobType) -> None:
    fields = sent(page, param_scene="a")

    answers = [page.post(FORM, fields)["Location"] for _time in range(2)]

    assert answers == [f"/jobs/{Job.objects.get().pk}/"] * 2


def test_going_back_to_change_a_value_is_asked_about_once(page: Client, render: JobType) -> None:
    fields = sent(page, param_scene="a")
    page.post(FORM, fields)

    again = page.post(FORM, {**fields, "param_scene": "b"})
    page.post(FORM, {**fields, "param_scene": "b", "key": again.context["form"]["key"].value()})

    assert again.status_code == 409
    assert "This form made a job already." in text(again)
    assert sorted(job.params["scene"] for job in Job.objects.all()) == ["a", "b"]


@pytest.mark.parametrize("key", ["", "x", "<script>", "é" * 30, "k" * 5000])
def test_a_key_that_nobody_gave_out_is_no_obstacle(page: Client, render: JobType, key: str) -> None:
    assert page.post(FORM, sent(page, param_scene="a", key=key)).status_code == 302


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        pytest.param({"param_scene": ""}, "param_scene", "required", id="nothing given"),
        pytest.param({"param_frame": "seven"}, "param_frame", "whole number", id="no number"),
        pytest.param({"param_frame": "9" * 30}, "param_frame", "is a whole number", id="a huge number"),
        pytest.param({"param_quality": "best"}, "param_quality", "not one of the available choices", id="no choice"),
        pytest.param({"param_model": "/etc/passwd"}, "param_model", "may read and write", id="outside"),
        pytest.param({"param_picture": "../x"}, "param_picture", "go up", id="upwards"),
        pytest.param({"param_scene": "x" * 140_000}, "param_scene", "bytes", id="too long"),
        pytest.param({"param_scene": "a\0b"}, "param_scene", "Null characters", id="a NUL"),
        pytest.param({"queue": "nowhere"}, "queue", "none of this name", id="no such queue"),
        pytest.param({"queue": ""}, "queue", "required", id="no queue"),
        pytest.param({"host": "nowhere"}, "host", "none of this name", id="no such host"),
        pytest.param({"priority": "9" * 12}, "priority", "less than or equal", id="priority out of range"),
        pytest.param({"not_before": "tomorrow"}, "not_before", "valid date", id="no date"),
        pytest.param({"not_before": "2999-01-01T00:00:00"}, "not_before", "20 years", id="far away"),
        pytest.param({"notes": "x" * 20_000}, "notes", "at most", id="long notes"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_the_rest_is_kept(
    page: Client, render: JobType, fields: dict[str, str], field: str, told: str
) -> None:
    answer = page.post(FORM, {**sent(page, param_scene="kept", param_suffix="tiff"), **fields})

    form = answer.context["form"]
    assert answer.status_code == 400
    assert list(form.errors) == [field]
    assert told in str(form.errors[field])
    assert form["param_suffix"].value() == "tiff"
    assert form["key"].value()
    assert not Job.objects.exists()


def test_a_full_disk_is_told_and_the_form_kept(page: Client, render: JobType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler_site.api.admission.FREE_LIMIT_BYTES", 2**62)

    answer = page.post(FORM, sent(page, param_scene="kept"))

    assert answer.status_code == 503
    assert "nearly full" in text(answer)
    assert answer.context["form"]["param_scene"].value() == "kept"


def test_another_like_it_has_its_values(page: Client, site: None) -> None:
    make_queue("night")
    job = make_job("echo <again>", queue="night", priority=3, notes="n")

    form: Any = page.get(f"/submit/command/?like={job.pk}").context["form"]

    assert (form["param_command"].value(), form["queue"].value()) == ("echo <again>", "night")
    assert (form["priority"].value(), form["notes"].value()) == (3, "n")


@pytest.mark.parametrize("like", ["x", "-1", "9" * 40])
def test_like_something_that_is_no_job_is_a_new_form(page: Client, site: None, like: str) -> None:
    assert page.get(f"/submit/command/?like={like}").status_code == 200


def test_unknown_kinds_are_missing_and_near_ones_named(page: Client, site: None) -> None:
    answer = page.get("/submit/comand/")

    assert answer.status_code == 404
    assert 'Did you mean "command"?' in text(answer)


def test_who_may_not_submit_is_told_so(looker: Client, render: JobType) -> None:
    assert looker.get("/submit/").status_code == 403
    assert looker.get(FORM).status_code == 404
    grant(User.objects.get(username="bob"), "ViewJobTypes")
    assert looker.get(FORM).status_code == 403
    assert looker.post(FORM, {"queue": "anytime"}).status_code == 403
    assert not Job.objects.exists()
