from __future__ import annotations

from typing import ClassVar

from django.db import models

from hosts.models.host import Host


class Ownership(models.Model):
    """Which engine talks to a host, until when, by the database's clock.

    `token` grows with each change of owner; every write about the host's runs carries it, so
    an engine that slept past its lease can change nothing.
    """

    host = models.OneToOneField(Host, on_delete=models.CASCADE, primary_key=True, related_name="ownership")
    owner = models.CharField(max_length=100)
    token = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()
    journal_offset = models.BigIntegerField(
        default=0, help_text="Bytes of the host's journal whose news are in our rows. Written with those rows."
    )
    place = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="Of a local host: which directory has its runs."
    )

    class Meta:
        indexes: ClassVar = [models.Index(name="ownership_by_owner", fields=["owner"])]

    def __str__(self) -> str:
        return f"{self.host_id}: {self.owner}"
