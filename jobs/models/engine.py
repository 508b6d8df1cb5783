from __future__ import annotations

from typing import ClassVar

from django.db import models


class Engine(models.Model):
    """A running engine process, as it last reported itself, by the database's clock."""

    name = models.CharField(max_length=100, primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    clock_off_ms = models.IntegerField(
        default=0, db_default=0, help_text="How far its clock is ahead of the database's, in milliseconds."
    )

    memory_bytes = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["seen_at"], name="engine_seen")]

    def __str__(self) -> str:
        return self.name
