from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.retention.parts import ended
from tests.web.parts import text


@pytest.fixture
def work(site: None) -> None:
    at = timezone.now()
    ended(at=at)
    ended(at=at, exit_code=1)
    ended(at=at - timedelta(days=2), ran=timedelta(minutes=3))


def test_days_are_bars_and_the_same_is_a_table(page: Client, work: None) -> None:
    answer = page.get("/stats/?days=7")

    bars = answer.context["bars"]
    assert [bar.row.count for bar in bars] == [0, 0, 0, 0, 1, 0, 2]
    assert [(part.tone, part.y, part.height) for part in bars[-1].parts] == [("good", 50, 50), ("bad", 0, 50)]
    assert answer.content.count(b'<tr>\n                      <th scope="row">') == 7
    assert "3 attempts, at most 2 a day." in answer.content.decode()


@pytest.mark.parametrize("by", ["queue", "type", "host", "owner", "day"])
def test_the_table_tells_apart_what_is_asked_for(page: Client, work: None, by: str) -> None:
    rows = page.get(f"/stats/?by={by}").context["rows"]

    assert sum(row.count for row in rows) == 3
    assert len(rows) == (2 if by == "day" else 1)
    assert rows[0].times[-1] != "–"


def test_nothing_to_tell_is_said(page: Client, site: None) -> None:
    assert "Nothing has ended in this time" in text(page.get("/stats/"))


@pytest.mark.parametrize("query", ["days=8", "by=colour"])
def test_what_is_not_offered_is_refused(page: Client, site: None, query: str) -> None:
    answer = page.get(f"/stats/?{query}")

    assert answer.status_code == 400
    assert "Choose among what is offered." in text(answer)
