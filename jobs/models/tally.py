from __future__ import annotations

from typing import ClassVar

from django.db import models


class Tally(models.Model):
    """A part of a running total: the total is the sum over all rows of the same kind, queue and label.

    Written only by triggers of the database (jobs.tallies), in the transaction that it counts, so it agrees
    with the rows however they are written; `answers`, of which there are no rows, by web processes
    (jobs.measures). On PostgreSQL each statement appends rows, so that transactions never wait for one another
    over a total; an engine folds them together.
    """

    class Kind(models.TextChoices):
        """What is counted. Only `jobs` ever goes down."""

        JOBS = "jobs"
        STARTS = "starts"
        ENDS = "ends"
        WAITED = "waited"
        WAITED_MICROSECONDS = "waited_us"
        NOTICED = "noticed"
        NOTICED_MICROSECONDS = "noticed_us"
        BYTES = "bytes"
        RUN = "run"
        RUN_MICROSECONDS = "run_us"
        ANSWERS = "answers"

    kind = models.CharField(max_length=12, choices=Kind)
    queue = models.BigIntegerField(default=0, help_text="Its id; 0: the total is not kept by queue.")
    label = models.CharField(
        max_length=16, blank=True, help_text="State, outcome, upper bound of a histogram's bucket, or kind of answer."
    )
    count = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "queue", "label"], name="tally_total")]

    def __str__(self) -> str:
        return f"{self.kind} {self.queue} {self.label}: {self.count:+}"
