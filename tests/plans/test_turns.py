"""Dispatchers on PostgreSQL take turns by a lock that only those wait for who have nothing else to do."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from jobs.dispatch.tick import TakingTurns, dispatch_once
from jobs.models import Site

pytestmark = [pytest.mark.xdist_group("plans"), pytest.mark.scenario]


@pytest.mark.parametrize("stocked", ["postgresql"], indirect=True)
def test_whoever_frees_a_seat_does_not_wait_for_another_dispatcher(stocked: str) -> None:
    has_turn, is_over = threading.Event(), threading.Event()

    def dispatch_slowly() -> None:
        try:
            with transaction.atomic():
                Site.objects.select_for_update().get()
                has_turn.set()
                assert is_over.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as another:
        slow = another.submit(dispatch_slowly)
        assert has_turn.wait(20)
        try:
            with pytest.raises(TakingTurns):
                dispatch_once(at=timezone.now(), waits=False)
        finally:
            is_over.set()
        slow.result()

    # Its turn has come; all seats are taken.
    assert dispatch_once(at=timezone.now(), waits=False)[0] == []
