from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hosts.models.host import Host


class Lease(models.Model):
    """One seat of a host, lent to one holder until released.

    The holder is a number that means something only to the borrower (an attempt's id):
    `hosts` knows nothing of jobs.
    """

    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="leases")
    seat = models.PositiveIntegerField(help_text=_("0 is the first."))
    holder = models.BigIntegerField()
    taken_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            # The last word on "never more jobs than seats", whatever the dispatchers believed.
            models.UniqueConstraint(
                name="lease_one_open_per_seat", fields=["host", "seat"], condition=Q(released_at=None)
            ),
            models.UniqueConstraint(name="lease_one_open_per_holder", fields=["holder"], condition=Q(released_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.host} seat {self.seat}"
