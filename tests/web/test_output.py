from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.test import AsyncClient, Client

from accounts.models import User
from jobs.models import Job
from jobs.web.output import TAIL_BYTES, plain_text
from tests.api.parts import write
from tests.builders import make_job
from tests.web.parts import start


def test_what_a_job_wrote_is_in_the_page(page: Client) -> None:
    job = make_job()
    write(start(job), ("stdout", b"one\n"), ("stderr", b"two\n"))

    answer = page.get(f"/jobs/{job.pk}/")

    assert b"one\ntwo\n</code>" in answer.content
    assert answer.context["last_id"] == "1:0"


def test_html_in_output_is_text(page: Client) -> None:
    job = make_job()
    write(start(job), ("stdout", b"<script>alert(1)</script></pre>\n"))

    answer = page.get(f"/jobs/{job.pk}/")

    assert b"<script>alert" not in answer.content
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;&lt;/pre&gt;" in answer.content


def test_of_long_output_the_last_lines_are_in_the_page(page: Client) -> None:
    job = make_job()
    lines = b"".join(b"line %d\n" % number for number in range(40_000))
    write(start(job), ("stdout", lines))

    answer = page.get(f"/jobs/{job.pk}/")

    tail = answer.context["tail"]
    assert tail.text.encode() == lines[tail.begin :]
    assert lines[tail.begin - 1 : tail.begin] == b"\n"
    assert TAIL_BYTES - 20 < len(tail.text) <= TAIL_BYTES
    assert answer.context["last_id"] == f"1:{tail.begin}"
    assert b"Only the end is shown." in answer.content


def test_output_without_a_line_break_is_shown_as_well(page: Client) -> None:
    job = make_job()
    write(start(job), ("stdout", b"x" * (TAIL_BYTES + 10)))

    assert page.get(f"/jobs/{job.pk}/").context["tail"].text == "x" * TAIL_BYTES


def test_output_that_was_over_its_limit_shows_its_end(page: Client, settings: LazySettings) -> None:
    job = make_job()
    attempt = start(job)
    settings.BATCHYARD_OUTPUT_LIMIT_BYTES = 4096
    for number in range(100):
        write(attempt, ("stdout", b"%03d" % number + b"." * 996 + b"\n"))

    text = page.get(f"/jobs/{job.pk}/").context["tail"].text

    assert text.endswith("099" + "." * 996 + "\n")


def test_output_that_is_gone_is_told(page: Client, settings: LazySettings, tmp_path: Any) -> None:
    job = make_job()
    write(start(job), ("stdout", b"one\n"))
    settings.BATCHYARD_STORE = tmp_path / "elsewhere"

    answer = page.get(f"/jobs/{job.pk}/")

    assert answer.status_code == 200
    assert b"The output is not there any more." in answer.content


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        pytest.param(b"a\tb\n", "a\tb\n", id="text stays"),
        pytest.param(b"\x1b[1;31mred\x1b[0m\n", "red\n", id="colours"),
        pytest.param(b"\x1b]0;title\x07after\x1b]8;;http://x\x1b\\link", "afterlink", id="titles and links"),
        pytest.param(b"\x1b[2Jx\x1b(By\x1bMz", "xyz", id="movements"),
        pytest.param(b"10%\r50%\r100%\r\nend", "100%\nend", id="progress is overwritten"),
        pytest.param(b"a\x00b\x08c\x07\x7f", "abc", id="control characters"),
        pytest.param(b"\xff\xfe", "��", id="not UTF-8"),
        pytest.param(b"end\x1b[3", "end", id="a cut sequence"),
        pytest.param("ä€😀\x9b".encode(), "ä€😀", id="characters"),
    ],
)
def test_only_text_is_left_of_what_was_written_for_a_terminal(data: bytes, shown: str) -> None:
    assert plain_text(data) == shown


async def downloaded(user: User, job: Job, stream: str) -> tuple[Any, bytes]:
    client = AsyncClient()
    await client.aforce_login(user)
    answer = await client.get(f"/jobs/{job.pk}/output/1/{stream}/")
    pieces: Any = answer
    return answer, b"".join([piece async for piece in pieces]) if answer.streaming else answer.content


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stream", ["stdout", "stderr", "both"])
def test_a_stream_is_downloaded_whole(alice: User, stream: str) -> None:
    job = make_job()
    data = bytes(range(256)) * 5000
    write(start(job), ("stdout", data), ("stderr", b"beside"))

    answer, found = async_to_sync(downloaded)(alice, job, stream)

    if stream == "both":
        assert answer.status_code == 404
        return
    assert found == {"stdout": data, "stderr": b"beside"}[stream]
    assert answer["Content-Disposition"] == f'attachment; filename="job-{job.pk}-1-{stream}.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db(transaction=True)
def test_who_may_not_see_a_job_downloads_nothing(site: None) -> None:
    job = make_job()
    write(start(job), ("stdout", b"secret"))

    answer, _found = async_to_sync(downloaded)(User.objects.create_user("dave"), job, "stdout")

    assert answer.status_code == 404
