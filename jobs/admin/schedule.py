from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseForm, CharField, TypedMultipleChoiceField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from jobs.config.definitions import schedule_problems
from jobs.config.removal import remove_schedule
from jobs.models import DatedException, Queue, Schedule, Window
from jobs.problems import Problem, Problems, Refused
from jobs.queueing.bell import ring
from jobs.queueing.timetables import timetable_of
from jobs.timing.timetable_json import timetable_from_json
from jobs.timing.windows import is_open, next_change
from jobs.timing.wording import describe
from scheduler_site.admin_forced import ForcedAdmin
from scheduler_site.admin_parts import CheckedForm
from scheduler_site.typed_admin import ModelForm, TabularInline

DAYS = list(
    enumerate(
        (
            gettext_lazy("Monday"),
            gettext_lazy("Tuesday"),
            gettext_lazy("Wednesday"),
            gettext_lazy("Thursday"),
            gettext_lazy("Friday"),
            gettext_lazy("Saturday"),
            gettext_lazy("Sunday"),
        )
    )
)


class WeekdaysField(TypedMultipleChoiceField):
    """Seven boxes; the numbers of the ticked ones, 0 is Monday."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            choices=DAYS,
            coerce=int,
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            required=False,
            empty_value=[],
            **options,
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed([str(day) for day in initial or []], data)


class PeriodsField(CharField):
    """Periods of a day written like `10:00-12:00, 14:00-16:00`, kept as their JSON."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=1000, widget=UnfoldAdminTextInputWidget, **options)

    def to_python(self, value: Any) -> Any:
        written = [part.strip() for part in (value or "").split(",")]
        return [self._period(part) for part in written if part]

    def _period(self, written: str) -> dict[str, str]:
        begin, dash, end = (part.strip() for part in written.partition("-"))
        if not dash:
            message = _('"%(written)s" is not a period. Write it like 10:00-12:00.')
            raise ValidationError(message % {"written": written[:60]}, code="bad_period")
        return {"begin": begin, "end": end}

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return ", ".join(f"{period['begin']}-{period['end']}" for period in value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or []) != (data or ""))


def read_timetable(form: BaseForm, data: dict[str, Any], *, fields: Callable[[str], str]) -> None:
    """Let the one rule for timetables look at a part of one; what it refuses becomes errors of the form's fields."""
    try:
        timetable_from_json(data)
    except Problems as found:
        for problem in found.problems:
            name = fields(problem.field or "")
            form.add_error(name if name in form.fields else None, str(problem))


class WindowForm(ModelForm[Window]):
    weekdays = WeekdaysField(label=gettext_lazy("Weekdays"), help_text=gettext_lazy("None ticked: every day."))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if {"begin", "end"} <= given.keys():
            window = {"begin": clock(given["begin"]), "end": clock(given["end"])}
            read_timetable(self, {"windows": [window]}, fields=lambda name: name.rpartition(".")[2])
        return given


class ExceptionForm(ModelForm[DatedException]):
    periods = PeriodsField(
        label=gettext_lazy("Open"),
        help_text=gettext_lazy("Like 10:00-12:00, 14:00-16:00. Empty: closed. 00:00-00:00: the whole day."),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if {"first", "last", "periods"} <= given.keys():
            told = {"from": str(given["first"]), "to": str(given["last"])}
            hours = {"periods": given["periods"]} if given["periods"] else {"closed": True}
            read_timetable(self, {"exceptions": [told | hours]}, fields=self._field)
        return given

    def _field(self, name: str) -> str:
        parts = name.split(".")
        return "periods" if "periods" in parts else {"from": "first", "to": "last"}.get(parts[-1], "periods")


def clock(moment: time) -> str:
    return moment.isoformat()


class WindowInline(TabularInline[Window, Schedule]):
    model = Window
    form = WindowForm
    extra = 0
    verbose_name_plural = gettext_lazy("windows: when jobs may start; none: at any time")


class ExceptionInline(TabularInline[DatedException, Schedule]):
    model = DatedException
    form = ExceptionForm
    extra = 0
    verbose_name_plural = gettext_lazy("dated exceptions: on these dates the windows do not count")


class ScheduleForm(CheckedForm[Schedule]):
    def problems_of(self, row: Schedule) -> list[Problem]:
        return schedule_problems(row)


@admin.register(Schedule)
class ScheduleAdmin(ForcedAdmin[Schedule]):
    takes = Queue
    form = ScheduleForm
    refusals = (Refused,)
    inlines = (WindowInline, ExceptionInline)
    list_display = ("name", "title", "zone", "in_words", "is_open_now")
    list_filter = ("zone",)
    search_fields = ("name", "title")
    readonly_fields = ("in_words", "next_changes")
    fieldsets = (
        (None, {"fields": ("name", "title", "zone")}),
        (gettext_lazy("Holidays"), {"fields": ("holidays_country", "holidays_subdivision")}),
        (gettext_lazy("What it says"), {"fields": ("in_words", "next_changes")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        return super().get_queryset(request).prefetch_related("windows", "exceptions")

    @admin.display(description=gettext_lazy("in words"))
    def in_words(self, schedule: Schedule) -> str:
        return describe(timetable_of(schedule)) if schedule.pk else ""

    @admin.display(description=gettext_lazy("open now"), boolean=True)
    def is_open_now(self, schedule: Schedule) -> bool:
        return is_open(timetable_of(schedule), timezone.now())

    @admin.display(description=gettext_lazy("next change"))
    def next_changes(self, schedule: Schedule) -> str:
        at = timezone.now()
        timetable = timetable_of(schedule) if schedule.pk else None
        change = next_change(timetable, at) if timetable else None
        if timetable is None or change is None:
            return ""
        told = _("closes %(when)s") if is_open(timetable, at) else _("opens %(when)s")
        return told % {"when": f"{change.astimezone(timetable.zone):%a %Y-%m-%d %H:%M %Z}"}

    def remove(self, row: Schedule) -> None:
        remove_schedule(row)

    def remove_forced(self, row: Schedule) -> None:
        remove_schedule(row, is_forced=True)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        ring()
