"""The forms in which queues, schedules and job types are written: keys, types, ranges. What they mean together
is checked by `jobs.config.definitions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.models import JobType, OnFail, RetryWhen
from jobs.models.queue import KEEP_DAYS_LIMIT
from scheduler_site.api.errors import invalid
from scheduler_site.api.fields import Flag, Number, Strict, Text, Word, mistyped, read

COUNT_LIMIT: Final = 2**31 - 1
YEAR_SECONDS: Final = 366 * 86400
MONTH_SECONDS: Final = 30 * 86400


def name_field(**kwargs: Any) -> Text:
    return Text(max_length=100, help_text="1 to 100 letters, digits, '_', '-' and '.'.", **kwargs)


class QueueForm(Strict):
    """An ordered list of jobs with a schedule, a default place to run and limits."""

    name = name_field()
    title = Text(required=False, max_length=200)
    enabled = Flag(required=False)
    schedule = Text(required=False, allow_null=True, help_text="Name of a schedule. Null: always.")
    host = Text(required=False, allow_null=True, help_text="Name of the default host.")
    pool = Text(required=False, allow_null=True, help_text="Name of the default pool; not both.")
    max_running = Number(required=False, allow_null=True, min_value=1, max_value=COUNT_LIMIT)
    weight = Number(required=False, min_value=1, max_value=1000, help_text="Share of the seats.")
    autostart_count = Number(required=False, allow_null=True, min_value=1, max_value=COUNT_LIMIT)
    keep_days = Number(
        required=False, allow_null=True, min_value=0, max_value=KEEP_DAYS_LIMIT,
        help_text="Days for which finished jobs are kept. 0: for ever. Null: as the site's settings say.",
    )  # fmt: skip


class PeriodForm(Strict):
    """A part of the day. An end at or before the begin is on the next day."""

    begin = serializers.CharField(help_text="HH:MM or HH:MM:SS; included.")
    end = serializers.CharField(help_text="HH:MM or HH:MM:SS; not included.")


class WindowForm(PeriodForm):
    """A period on weekdays of its own."""

    weekdays = serializers.ListField(child=serializers.CharField(), required=False)


class ExceptionForm(Strict):
    """Dates that are closed, or open in periods of their own."""

    vars()["from"] = serializers.CharField(help_text="YYYY-MM-DD; included.")
    to = serializers.CharField(required=False, help_text="YYYY-MM-DD; included. Without it: one day.")
    closed = serializers.BooleanField(required=False)
    periods = PeriodForm(many=True, required=False)
    note = serializers.CharField(required=False)


class HolidaysForm(Strict):
    """On public holidays no window begins."""

    country = serializers.CharField(help_text="Two letters of ISO 3166-1.")
    subdivision = serializers.CharField(required=False, allow_null=True)
    effect = serializers.ChoiceField(["closed"], required=False)


class ScheduleForm(Strict):
    """When jobs may start. Without windows: always. (Times are read by `jobs.timing`.)"""

    name = name_field()
    title = Text(required=False, max_length=200)
    on_close = Word(["finish"], required=False, help_text="What becomes of running jobs when the window closes.")


class ScheduleBody(ScheduleForm):
    """When jobs may start: every period on every weekday, or windows with weekdays of their own."""

    zone = serializers.CharField(required=False, help_text="IANA name, such as Europe/Berlin.")
    weekdays = serializers.ListField(child=serializers.CharField(), required=False, help_text='"Monday" ...')
    periods = PeriodForm(many=True, required=False)
    windows = WindowForm(many=True, required=False)
    exceptions = ExceptionForm(many=True, required=False)
    holidays = HolidaysForm(required=False, allow_null=True)


class RetryForm(Strict):
    """How a failed job is tried again."""

    when = Word(RetryWhen.values, required=False)
    count = Number(required=False, min_value=1, max_value=1000)
    delay = Number(required=False, min_value=0, max_value=MONTH_SECONDS, help_text="Seconds.")


ON_FAIL: Final = {
    "oneOf": [
        {"type": "string", "enum": ["continue", "retry"]},
        {
            "type": "object",
            "properties": {
                "retry": {
                    "type": "object",
                    "properties": {
                        "when": {"type": "string", "enum": ["now", "later"]},
                        "count": {"type": "integer", "minimum": 1, "maximum": 1000},
                        "delay": {"type": "integer", "minimum": 0, "maximum": MONTH_SECONDS},
                    },
                    "additionalProperties": False,
                }
            },
            "required": ["retry"],
            "additionalProperties": False,
        },
    ]
}


class RetryWrapper(Strict):
    """{"retry": {...}}"""

    retry = RetryForm()


@extend_schema_field(ON_FAIL)
class OnFailField(serializers.Field[Any, Any, Any, Any]):
    """ "continue", "retry" (now, once), or {"retry": {"when", "count", "delay"}}; read as columns of a job type."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if data == "continue":
            return {"on_fail": OnFail.CONTINUE, **RETRY_DEFAULTS}
        if data == "retry":
            return {"on_fail": OnFail.RETRY, **RETRY_DEFAULTS}
        if not isinstance(data, Mapping):
            raise invalid(mistyped(data, '"continue", "retry" or {"retry": {...}}'))
        told = RetryWrapper(data=data)
        if not told.is_valid():
            raise serializers.ValidationError(told.errors)
        retry = told.validated_data["retry"]
        columns = {RETRY_COLUMNS[key]: value for key, value in retry.items()}
        return {"on_fail": OnFail.RETRY, **RETRY_DEFAULTS, **columns}

    def to_representation(self, value: JobType) -> Any:
        if value.on_fail == OnFail.CONTINUE:
            return "continue"
        return {"retry": {key: getattr(value, column) for key, column in RETRY_COLUMNS.items()}}


RETRY_COLUMNS: Final = {"when": "retry_when", "count": "retry_count", "delay": "retry_delay_seconds"}
RETRY_DEFAULTS: Final = {"retry_when": RetryWhen.NOW, "retry_count": 1, "retry_delay_seconds": 0}


class ParameterBody(Strict):
    """A declared input of a job type. (Read by `jobs.parameters`.)"""

    name = serializers.CharField()
    type = serializers.ChoiceField(
        ["String", "Int", "Boolean", "Choice", "InputFile", "OutputFile", "Secret"], required=False
    )
    title = serializers.CharField(required=False, allow_null=True)
    default = serializers.CharField(required=False, allow_null=True)
    vars()["required"] = serializers.BooleanField(required=False)
    choices = serializers.ListField(child=serializers.CharField(), required=False)


class JobTypeForm(Strict):
    """A command template and its declared parameters, and what to do when it fails."""

    name = name_field()
    title = Text(required=False, max_length=200)
    template = Text(max_length=None, help_text="The command or script. $name stands for a parameter's value.")
    syntax = Text(required=False, max_length=20, help_text='"shell": $name; "braces": {name}.')
    params = serializers.JSONField(required=False)
    on_fail = OnFailField(required=False)
    time_limit = Number(required=False, allow_null=True, min_value=1, max_value=YEAR_SECONDS, help_text="Seconds.")
    lost_after = Number(
        required=False, allow_null=True, min_value=1, max_value=YEAR_SECONDS,
        help_text="Seconds without contact to the host after which an attempt is given up. Null: never.",
    )  # fmt: skip
    grace = Number(required=False, min_value=0, max_value=3600, help_text="Seconds between TERM and KILL.")
    host = Text(required=False, allow_null=True, help_text="Where its jobs run unless they name a host.")
    max_running = Number(required=False, allow_null=True, min_value=1, max_value=COUNT_LIMIT)
    environment = serializers.DictField(child=Text(max_length=128 * 1024), required=False)
    directory = Text(required=False, max_length=500)


__all__ = ["JobTypeForm", "QueueForm", "ScheduleBody", "ScheduleForm", "read"]
