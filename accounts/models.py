"""The people and programs that use the site."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken


class User(AbstractUser):
    """A person or program with an account. Our own model, so that it may grow without a hard migration."""


class Token(AbstractAuthToken):
    """Opens the API for its user. Only a hash of it is kept."""

    name = models.CharField(_("name"), max_length=100, blank=True, help_text=_("What it is for."))

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")

    def __str__(self) -> str:
        return f"{self.user}: {self.name or self.token_key}"
