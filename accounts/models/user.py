from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person or program with an account. What it may do stands in its grants and those of its groups."""

    # What accounts.rights has found out, for as long as this object lives.
    _rights: object
    # Django's own: a password that has been set and not yet saved.
    _password: str | None

    def save(self, *args: Any, **options: Any) -> None:
        """A new password ends every session of the account, whichever way it was set."""
        has_new_password = self._password is not None
        super().save(*args, **options)
        if has_new_password:
            self.sessions.all().delete()
