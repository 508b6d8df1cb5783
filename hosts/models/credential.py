from __future__ import annotations

from django.db import models

from hosts.models.host import Host
from hosts.secrets.sealed import SealedText


class Credential(models.Model):
    """A host's private key and what unlocks it, sealed: read by engines only. `hosts.credentials` writes it."""

    host = models.OneToOneField(Host, on_delete=models.CASCADE, primary_key=True, related_name="credential")
    sealed = SealedText()
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.host_id}"
