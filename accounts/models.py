"""The people and programs that use the site."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or program with an account. Our own model, so that it may grow without a hard migration."""
