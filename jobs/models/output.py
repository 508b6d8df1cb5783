from __future__ import annotations

from typing import ClassVar

from django.db import models

from jobs.models.attempt import Attempt


class Output(models.Model):
    """How much of one stream of an attempt is kept, and its hash once complete.

    The bytes are in the output store. A stream without a byte has no row.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="outputs")
    stream = models.CharField(max_length=6, choices=[("stdout", "stdout"), ("stderr", "stderr")])
    size_bytes = models.BigIntegerField(default=0)
    dropped_from = models.BigIntegerField(
        null=True, help_text="First byte of the gap, if the stream was over its limit."
    )
    dropped_to = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="output_stream_once", fields=["attempt", "stream"])]

    def __str__(self) -> str:
        return f"{self.attempt_id}.{self.stream}"


class DroppedOutput(models.Model):
    """An attempt whose rows are gone and whose bytes are to go, noted in the transaction that removed the rows.

    Whoever dies between the two leaves it to the next who looks.
    """

    attempt = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"{self.attempt}"
