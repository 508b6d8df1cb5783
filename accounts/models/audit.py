from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """Who changed what, when and from where. Written with the change itself, in its transaction, and never again.

    Names and bare numbers instead of foreign keys: it outlives all it tells of. The database refuses to change
    or delete a row (see the migration that makes the table).
    """

    at = models.DateTimeField(_("when"))
    actor = models.CharField(_("who"), max_length=150, blank=True, help_text=_("User name; empty: the site itself."))
    mode = models.CharField(
        _("by"), max_length=10, blank=True, help_text=_("How they said who they are: session, token, basic, command.")
    )
    peer = models.CharField(_("from"), max_length=100, blank=True, help_text=_("Address of the client."))
    request_id = models.CharField(_("request"), max_length=32, blank=True)
    action = models.CharField(_("did"), max_length=32)
    kind = models.CharField(_("kind"), max_length=50, blank=True, help_text=_("Such as jobs.queue."))
    object_id = models.CharField(_("number"), max_length=64, blank=True)
    name = models.CharField(_("what"), max_length=200, blank=True)
    before = models.JSONField(_("before"), null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), null=True, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["actor", "-id"], name="audit_of_actor"),
            models.Index(fields=["kind", "name", "-id"], name="audit_of_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.actor or 'site'}: {self.action} {self.kind} {self.name}"
