from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jobs.models.subscription import NoticeKind, Subscription


class Delivery(models.TextChoices):
    """What has become of a notice."""

    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    DEAD = "dead", _("given up")


class Notice(models.Model):
    """One thing that one subscriber is to be told, written in the transaction in which it became true.

    waiting -> sent | dead. A pass that sends it writes its mark into `claim` first and moves `next_at` ahead, so
    that no other sends it meanwhile; what the pass does not come to say is tried again then.
    """

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="notices", db_index=False, verbose_name=_("subscription")
    )
    kind = models.CharField(_("of"), max_length=14, choices=NoticeKind)
    thing = models.BigIntegerField(help_text=_("The number of the job, host or queue."))
    name = models.CharField(_("name"), max_length=100, help_text=_("Of the host, or of the queue."))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    at = models.DateTimeField(_("at"))
    delivery = models.CharField(_("delivery"), max_length=8, choices=Delivery, default=Delivery.WAITING)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_at = models.DateTimeField(_("next try"), null=True, blank=True)
    claim = models.CharField(max_length=32, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True, help_text=_("Why the last try failed."))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="notice_next_at_iff_waiting",
                condition=Q(delivery=Delivery.WAITING, next_at__isnull=False, ended_at=None)
                | Q(~Q(delivery=Delivery.WAITING), next_at=None, ended_at__isnull=False),
            ),
            # Lateness is looked for again and again, and told once.
            models.UniqueConstraint(
                name="notice_late_once", fields=["subscription", "thing"], condition=Q(kind=NoticeKind.LATE)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], name="notice_due", condition=Q(delivery=Delivery.WAITING)),
            models.Index(fields=["subscription", "-id"], name="notice_of_subscription"),
            models.Index(fields=["claim"], name="notice_claimed", condition=~Q(claim="")),
            models.Index(fields=["ended_at"], name="notice_ended", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.thing}"
