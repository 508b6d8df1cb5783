from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss", password=None)


@pytest.fixture
def page(boss: User) -> Client:
    """A browser in which `boss` is logged in."""
    client = Client()
    client.force_login(boss)
    return client
