"""What tests of the pages ask of them."""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.utils import timezone

from hosts.models import Host
from jobs.models import Attempt, Job, JobState, Phase
from jobs.queueing.lanes import lane_for
from jobs.queueing.states import Move, move


class Reader(HTMLParser):
    """The forms of a page, by the address that each is sent to, with the names and values of their fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self.addresses: list[str] = []
        self._here: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self._here = self.forms.setdefault(told.get("action") or "", {})
        if tag in {"input", "select", "textarea"} and told.get("name"):
            self._here[str(told["name"])] = told.get("value") or ""
        if tag == "a" and told.get("href"):
            self.addresses.append(str(told["href"]))


def read(answer: Any) -> Reader:
    reader = Reader()
    reader.feed(answer.content.decode())
    return reader


def text(answer: Any) -> str:
    """What a person reads on the page: without tags, each run of white space one blank."""
    bare = re.sub(r"<script.*?</script>|<[^>]*>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(bare).split())


def start(job: Job, *, phase: Phase = Phase.RUNNING, at: datetime | None = None) -> Attempt:
    """Let the job run, as the dispatcher does."""
    at = at or timezone.now()
    number = job.attempts.count() + 1
    told = Move(job=job.pk, was=JobState.READY, to=JobState.RUNNING, attempt=number, started_at=at)
    assert move(job, told, at=at)
    return Attempt.objects.create(
        job=job, number=number, lane_id=lane_for(job.queue, job.type, None), host=Host.objects.get(name="localhost"),
        marker=f"{job.pk}.{number}", phase=phase, claimed_at=at, started_at=at,
    )  # fmt: skip
