"""Notifications of a real site, through the death of all its processes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.scenarios.conftest import running_site
from tests.scenarios.site import SiteUnderTest, free_port, until
from tests.servers.sinks import HttpSink, SmtpSink, http_sink, smtp_sink, text_of

pytestmark = pytest.mark.scenario

NOTICE = re.compile(r"Job (\d+) in queue default has succeeded")


@pytest.fixture
def site() -> Iterator[SiteUnderTest]:
    with running_site(BATCHYARD_NOTIFY_NETWORKS="127.0.0.1") as site:
        yield site


def posted(sink: HttpSink) -> Counter[int]:
    """How often each job was told of to the webhook."""
    return Counter(int(job) for one in sink.posted for job in NOTICE.findall(one["message"]))


def mailed(sink: SmtpSink) -> Counter[int]:
    """How often each job was told of by mail."""
    return Counter(int(job) for mail in sink.mails for job in NOTICE.findall(text_of(mail)))


def test_kill_9_loses_no_notice_and_doubles_only_what_was_on_its_way(site: SiteUnderTest) -> None:
    with http_sink() as web, smtp_sink(free_port()) as mail:
        for sink in (web, mail):
            site.post("subscriptions", {"name": "all", "url": sink.url, "events": ["succeeded"]})
        first = site.submit_many([{"queue": "default", "type": "command", "params": {"command": "true"}}] * 5)
        until(lambda: set(first) <= posted(web).keys() & mailed(mail).keys(), seconds=60, what="the first are told")
        until(lambda: notices(site) == {"sent"}, seconds=20, what="and that is written down")
        web.gate.clear()
        more = site.submit_many([{"queue": "default", "type": "command", "params": {"command": "true"}}] * 20)
        until(lambda: set(more) & posted(web).keys(), seconds=60, what="a letter is on its way")

        site.kill()
        web.gate.set()
        site.start()

        until(lambda: set(more) <= posted(web).keys() & mailed(mail).keys(), seconds=120, what="all are told")
        until(lambda: notices(site) == {"sent"}, seconds=60, what="and that is written down")
        assert all(posted(web)[job] == mailed(mail)[job] == 1 for job in first)
        assert max(*posted(web).values(), *mailed(mail).values()) <= 2


def notices(site: SiteUnderTest) -> set[str]:
    """The states of all notices."""
    answers = [
        site.get(f"subscriptions/{one['id']}/notices?page_size=500") for one in site.get("subscriptions")["results"]
    ]
    return {notice["delivery"] for answer in answers for notice in answer["results"]}
