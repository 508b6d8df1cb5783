from __future__ import annotations

import functools
import operator
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hosts.models import Host
from hosts.secrets.sealed import SealedText
from jobs.models.job_type import JobType
from jobs.models.queue import Queue

LATE_LIMIT_SECONDS = 366 * 24 * 3600


class NoticeKind(models.TextChoices):
    """What somebody may want to be told of. Each has its column `on_...` in `Subscription`."""

    SUCCEEDED = "succeeded", _("a job has succeeded")
    FAILED = "failed", _("a job has failed")
    LATE = "late", _("a job has not begun in time")
    HOST_DOWN = "host_down", _("a host cannot be reached")
    HOST_UP = "host_up", _("a host can be reached again")
    QUEUE_STARTED = "queue_started", _("a queue has enabled itself")

    @property
    def column(self) -> str:
        """The column of a subscription that says whether this is wanted."""
        return f"on_{self.value}"


OF_JOBS = frozenset({NoticeKind.SUCCEEDED, NoticeKind.FAILED, NoticeKind.LATE})
OF_HOSTS = frozenset({NoticeKind.HOST_DOWN, NoticeKind.HOST_UP})


class Subscription(models.Model):
    """What one user wants to be told of, and where to. Only of what they may see at that moment.

    `secret_url` is written and read by jobs.notices.keeping alone: whoever knows it can write there.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=100, help_text=_("What it is for."))
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("While it is disabled nothing is noted for it or sent.")
    )
    secret_url = SealedText(editable=False)
    place = models.CharField(
        _("to"), max_length=200, editable=False, help_text=_("What may be shown of the address.")
    )  # fmt: skip
    on_succeeded = models.BooleanField(NoticeKind.SUCCEEDED.label, default=False)
    on_failed = models.BooleanField(NoticeKind.FAILED.label, default=False)
    on_late = models.BooleanField(NoticeKind.LATE.label, default=False)
    on_host_down = models.BooleanField(NoticeKind.HOST_DOWN.label, default=False)
    on_host_up = models.BooleanField(NoticeKind.HOST_UP.label, default=False)
    on_queue_started = models.BooleanField(NoticeKind.QUEUE_STARTED.label, default=False)
    only_own = models.BooleanField(
        _("only own jobs"), default=True, help_text=_("Of jobs, only those that the owner has submitted.")
    )
    queue = models.ForeignKey(
        Queue, on_delete=models.CASCADE, null=True, blank=True, related_name="subscriptions",
        verbose_name=_("queue"), help_text=_("Empty: any."),
    )  # fmt: skip
    type = models.ForeignKey(
        JobType, on_delete=models.CASCADE, null=True, blank=True, related_name="subscriptions",
        verbose_name=_("type"), help_text=_("Empty: any."),
    )  # fmt: skip
    host = models.ForeignKey(
        Host, on_delete=models.CASCADE, null=True, blank=True, related_name="subscriptions",
        verbose_name=_("host"), help_text=_("For news of hosts. Empty: any."),
    )  # fmt: skip
    late_after_seconds = models.PositiveIntegerField(
        _("late after"), null=True, blank=True, validators=[MaxValueValidator(LATE_LIMIT_SECONDS)],
        help_text=_("Seconds from the time a job should not start before, or else from its submission."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("since"), editable=False)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="subscription_of_something",
                condition=functools.reduce(operator.or_, (Q((kind.column, True)) for kind in NoticeKind)),
            ),
            models.CheckConstraint(
                name="subscription_late_after_iff_late", condition=Q(on_late=True) ^ Q(late_after_seconds=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner}: {self.name}"

    @property
    def kinds(self) -> list[NoticeKind]:
        """What it is about."""
        return [kind for kind in NoticeKind if getattr(self, kind.column)]
