"""Makes commits outlive a loss of power, where the world outside is about to be told of them."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connections

from scheduler_site.sqlite.base import DatabaseWrapper


def make_durable() -> None:
    """Everything that is committed is on the disk afterwards.

    PostgreSQL sees to that with every commit. Our SQLite does not, as it would cost each of its many small
    commits a wait for the disk: it has to be asked before an answer is given or a run handed to a host.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    if isinstance(wrapper, DatabaseWrapper):
        wrapper.sync_log()
