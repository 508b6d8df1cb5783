from __future__ import annotations

import pytest

from accounts.models import User
from tests.accounts.parts import PASSWORD


@pytest.fixture
def carol(db: None) -> User:
    """An account with a password and without any right."""
    return User.objects.create_user("carol", password=PASSWORD)


@pytest.fixture
def boss(db: None) -> User:
    """May do everything."""
    return User.objects.create_superuser("boss", password=PASSWORD)
