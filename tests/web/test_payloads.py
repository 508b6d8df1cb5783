"""What people store and jobs print stays text, on whatever page it is shown."""

from __future__ import annotations

from typing import Final

import pytest
from django.test import Client

from accounts.models import Token, User
from jobs.models import Event, Job, JobType, Parameter, Queue
from tests.api.parts import finish, write
from tests.builders import make_job, make_queue, make_type
from tests.web.parts import start

PAYLOADS: Final = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</pre></code><iframe src=javascript:alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "{{7*7}}{% debug %}${7*7}",
    "<details open ontoggle=alert(1)>",
    '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
    '<!--<img src="--><img src=x onerror=alert(1)//">',
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//</stYle/</scRipt/--!><sVg/oNloAd=alert()//>",
)
# Signs that a part of a payload has become markup.
SIGNS: Final = (
    "<script>alert",
    "<img src=x",
    "<svg/onload",
    "<iframe",
    "<details open ontoggle",
    "<math>",
    "<sVg/",
    "<a href='jav",
)


@pytest.mark.meets("BD-59")
@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_245_nothing_that_is_stored_or_printed_becomes_markup(page: Client, alice: User, payload: str) -> None:
    queue = make_queue("anytime", title=payload[:200])
    kind = make_type("odd", template="true", params=(), title=payload[:200])
    Parameter.objects.create(job_type=kind, position=0, name="a", type="String", title=payload[:200], default=payload)
    Parameter.objects.create(job_type=kind, position=1, name="f", type="InputFile", title=payload[:200])
    job = make_job(type="odd", params={"a": payload, "f": "x"}, notes=payload)
    attempt = start(job)
    write(attempt, ("stdout", payload.encode() + b"\n"), ("stderr", b"\x1b[31m" + payload.encode() + b"\n"))
    finish(attempt, exit_code=1)
    Job.objects.update(reason=payload)
    Event.objects.update(reason=payload, actor=payload[:150])
    User.objects.filter(pk=alice.pk).update(username=payload[:150])
    Token.objects.create(alice, name=payload[:100])  # type: ignore[no-untyped-call]

    addresses = [
        "/queues/", f"/queues/{queue.name}/", "/jobs/", f"/jobs/{job.pk}/", f"/jobs/{job.pk}/ask/retry/", "/submit/",
        "/submit/odd/", f"/submit/odd/?like={job.pk}", "/accounts/tokens/",
    ]  # fmt: skip
    answers = [page.get(address) for address in addresses]
    answers.append(page.get("/jobs/", {"owner": payload, "state": payload}))
    answers.append(page.post("/submit/odd/", {"param_a": payload, "param_f": f"../{payload}", "notes": payload}))

    found = {
        answer.request["PATH_INFO"]: sign for answer in answers for sign in SIGNS if sign in answer.content.decode()
    }
    assert found == {}
    assert {answer.status_code for answer in answers} <= {200, 400}


def test_238_a_form_of_what_is_gone_meanwhile_says_so(page: Client, alice: User, site: None) -> None:
    shown = page.get("/submit/command/")
    JobType.objects.all().delete()
    of_the_type = page.post("/submit/command/", {"queue": "anytime", "param_command": "true"})
    make_type()
    Queue.objects.all().delete()
    of_the_queue = page.post("/submit/command/", {"queue": "anytime", "param_command": "kept"})
    User.objects.update(is_superuser=False)
    without_permission = page.post("/submit/command/", {"queue": "anytime", "param_command": "true"})

    assert shown.status_code == 200
    assert of_the_type.status_code == 404
    assert of_the_queue.status_code == 400
    assert of_the_queue.context["form"]["param_command"].value() == "kept"
    assert without_permission.status_code == 404  # nor may they see that there is such a type
    assert not Job.objects.exists()
