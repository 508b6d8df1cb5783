"""Makes commits outlive a loss of power, where the world outside is about to be told of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections

from scheduler_site.sqlite.base import DatabaseWrapper


@contextmanager
def durable() -> Iterator[None]:
    """What is committed within is on the disk afterwards.

    Raises OSError, before anything is done, if the process has no descriptor left for that.

    PostgreSQL sees to that with every commit. Our SQLite does not, as it would cost each of its many small
    commits a wait for the disk: it has to be asked before an answer is given or a run handed to a host.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    if isinstance(wrapper, DatabaseWrapper):
        with wrapper.synced_log():
            yield
    else:
        yield
