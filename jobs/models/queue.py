from __future__ import annotations

from typing import ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hosts.models import Host, Pool
from hosts.names import validate_name
from jobs.models.schedule import Schedule

KEEP_DAYS_LIMIT: Final = 36_525


class Queue(models.Model):
    """An ordered list of jobs with a schedule, a default place to run and limits."""

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[validate_name])
    title = models.CharField(_("title"), max_length=200, blank=True)
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("A disabled queue takes jobs but starts none.")
    )
    schedule = models.ForeignKey(
        Schedule, on_delete=models.PROTECT, null=True, blank=True, related_name="queues",
        verbose_name=_("schedule"), help_text=_("When its jobs may start. Empty: always."),
    )  # fmt: skip
    host = models.ForeignKey(
        Host, on_delete=models.PROTECT, null=True, blank=True, related_name="queues",
        verbose_name=_("host"), help_text=_("Where jobs run that name no host. Empty, and no pool: this machine."),
    )  # fmt: skip
    pool = models.ForeignKey(
        Pool, on_delete=models.PROTECT, null=True, blank=True, related_name="queues", verbose_name=_("pool")
    )
    max_running = models.PositiveIntegerField(
        _("most at once"), null=True, blank=True, validators=[MinValueValidator(1)],
        help_text=_("How many of its jobs may run at once. Empty: as many as there are seats."),
    )  # fmt: skip
    weight = models.PositiveIntegerField(
        _("share"), default=1, validators=[MinValueValidator(1)],
        help_text=_("Seats are shared between queues in proportion to this number."),
    )  # fmt: skip
    autostart_count = models.PositiveIntegerField(
        _("autostart"), null=True, blank=True, validators=[MinValueValidator(1)],
        help_text=_("A disabled queue is enabled once this many of its own jobs wait. Empty: never."),
    )  # fmt: skip
    keep_days = models.PositiveIntegerField(
        _("days kept"), null=True, blank=True, validators=[MaxValueValidator(KEEP_DAYS_LIMIT)],
        help_text=_("Finished jobs are removed after so many days. 0: never. Empty: as the site's settings say."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(name="queue_host_or_pool", condition=Q(host=None) | Q(pool=None)),
            models.CheckConstraint(name="queue_weight_positive", condition=Q(weight__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name
