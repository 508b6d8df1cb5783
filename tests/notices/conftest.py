"""Subscriptions that lead to real servers of this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from tests.scenarios.site import free_port
from tests.servers.sinks import HttpSink, SmtpSink, http_sink, smtp_sink


@pytest.fixture
def web() -> Iterator[HttpSink]:
    with http_sink() as sink:
        yield sink


@pytest.fixture
def mail() -> Iterator[SmtpSink]:
    with smtp_sink(free_port()) as sink:
        yield sink


@pytest.fixture
def loopback(settings: LazySettings) -> None:
    """Notifications may go to this machine."""
    settings.BATCHYARD_NOTIFY_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
