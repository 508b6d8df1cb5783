from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken


class Token(AbstractAuthToken):
    """Opens the API for its user, with what the user may do at that moment. Only a hash of it is kept."""

    name = models.CharField(_("name"), max_length=100, blank=True, help_text=_("What it is for."))
    is_read_only = models.BooleanField(_("only reads"), default=False, help_text=_("It can change nothing."))
    last_used_at = models.DateTimeField(
        _("last used"), null=True, blank=True, editable=False, help_text=_("To the minute; empty: never.")
    )

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")

    def __str__(self) -> str:
        return f"{self.user}: {self.name or self.token_key}"
