from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or program with an account. What it may do stands in its grants and those of its groups."""

    # What accounts.rights has found out, for as long as this object lives.
    _rights: object
