from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class Site(models.Model):
    """The one row about this installation.

    `uuid` keeps the runs of two installations apart that use the same account of a host.
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    variables = models.JSONField(
        _("variables"), default=dict, blank=True,
        help_text=_("Values by name for the templates of all job types; a host's and a job's own win over them."),
    )  # fmt: skip
    is_paused = models.BooleanField(
        _("paused"), default=False, help_text=_("Start nothing new anywhere. What runs goes on.")
    )

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("site")

    def __str__(self) -> str:
        return str(self.uuid)

    @classmethod
    def get(cls) -> Site:
        """The row, made on first use. Safe when two processes ask at once: the key is fixed."""
        site, _made = cls.objects.get_or_create(pk=1)
        return site
