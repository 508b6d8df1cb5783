from __future__ import annotations

from typing import ClassVar

from django.db import models


class Statistic(models.Model):
    """What attempts that ended on one day came to, those that are alike in one row. It outlives them.

    Written only by triggers of the database (jobs.tallies), as each attempt ends. Ids instead of foreign keys: what was
    done stays told when a queue, type, host or account is gone. The two buckets (upper bounds in seconds) make the rows
    the histograms of waiting and running as well.
    """

    day = models.DateField(help_text="Of the end, in UTC.")
    queue = models.BigIntegerField()
    type = models.BigIntegerField()
    host = models.BigIntegerField(help_text="Where it ran.")
    owner = models.BigIntegerField()
    outcome = models.CharField(max_length=12, help_text="succeeded, failed (any other exit code), or its outcome.")
    waited_bucket = models.IntegerField()
    ran_bucket = models.IntegerField()
    count = models.BigIntegerField()
    waited_us = models.BigIntegerField(help_text="From being ready to the start of the command, in all.")
    waited_max_us = models.BigIntegerField()
    ran_us = models.BigIntegerField(help_text="From the start of the command to its end, in all.")
    ran_max_us = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            # Leads with the day: every question is about some days.
            models.UniqueConstraint(
                name="statistic_once",
                fields=["day", "queue", "type", "host", "owner", "outcome", "waited_bucket", "ran_bucket"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.outcome}: {self.count}"
