from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client

from accounts.models import User

# Tests are collected for each page there is; the site itself looks for pages when it first shows one.
admin.autodiscover()


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss", password=None)


@pytest.fixture
def page(boss: User) -> Client:
    """A browser in which `boss` is logged in."""
    client = Client()
    client.force_login(boss)
    return client
