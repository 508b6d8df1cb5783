from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hosts.names import validate_name


class Schedule(models.Model):
    """When jobs may start: weekly windows in a zone, dated exceptions, holidays.

    No windows: always. The rule itself is `jobs.timing.windows`.
    """

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[validate_name])
    title = models.CharField(_("title"), max_length=200, blank=True)
    zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", help_text=_("An IANA name, such as Europe/Berlin.")
    )
    holidays_country = models.CharField(
        _("holidays of"), max_length=10, blank=True,
        help_text=_("Two-letter country code: no window begins on its public holidays. Empty: they are ordinary days."),
    )  # fmt: skip
    holidays_subdivision = models.CharField(_("subdivision"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Window(models.Model):
    """A part of the day on some weekdays, in the schedule's zone.

    `begin` included, `end` not. `end` at or before `begin` means the next day (equal: 24 hours).
    The window belongs to the weekday it begins on.
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="windows")
    weekdays = models.JSONField(
        _("weekdays"), default=list, blank=True, help_text=_("0 is Monday, 6 is Sunday. Empty: every day.")
    )
    begin = models.TimeField(_("begin"), default="00:00")
    end = models.TimeField(_("end"), default="00:00", help_text=_("At or before begin: on the next day."))

    class Meta:
        verbose_name = _("window")
        verbose_name_plural = _("windows")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.begin}-{self.end}"


class DatedException(models.Model):
    """Dates on which the weekly windows do not count: closed, or open in periods of their own."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="exceptions")
    first = models.DateField(_("from"))
    last = models.DateField(_("to"), help_text=_("Included."))
    periods = models.JSONField(
        _("periods"), default=list, blank=True,
        help_text=_('[{"begin": "10:00", "end": "12:00"}]; begin equal to end: the whole day. Empty: closed.'),
    )  # fmt: skip
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        ordering: ClassVar = ["first", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="exception_ends_after_it_begins", condition=Q(last__gte=F("first")))
        ]

    def __str__(self) -> str:
        return f"{self.first} - {self.last}"
