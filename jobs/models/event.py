from __future__ import annotations

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """One line of a job's history: appended, never changed.

    Bare numbers instead of foreign keys: history costs no look-up to write, and outlives nothing.
    """

    job_id = models.BigIntegerField()
    attempt = models.PositiveIntegerField(null=True, help_text="The attempt's number.")
    at = models.DateTimeField()
    was = models.CharField(max_length=14, blank=True)
    now = models.CharField(max_length=14)
    actor = models.CharField(max_length=150, blank=True, help_text="User name; empty: the site itself.")
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["job_id", "id"], name="event_of_job")]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.was} -> {self.now}"
