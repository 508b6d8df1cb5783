"""The form that submits a job, made from what its type declares."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import policy
from accounts.models import User
from hosts.models import Host
from jobs.models import JobType, Queue
from jobs.parameters import Parameter, ParameterType
from jobs.problems import Problems
from jobs.queueing.declarations import parameters_of
from jobs.queueing.file_roots import roots
from jobs.queueing.files import UPLOAD_LIMIT_BYTES
from jobs.queueing.submit import PRIORITY_LIMIT, Request
from scheduler_site.signing_in import SECRET_FIELD

KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
PREFIX: Final = "param_"
# What `login_keeps_form` leaves out of what it keeps.
SECRET_PREFIX: Final = f"{SECRET_FIELD}param_"
UPLOAD: Final = "upload_"
TEXT_LIMIT: Final = 200_000
BOOLEANS: Final = [("true", gettext_lazy("yes")), ("false", gettext_lazy("no"))]
HIDDEN: Final = gettext_lazy("It is kept sealed and never shown again.")


class Lines(forms.CharField):
    """Text as the command is to get it: nothing stripped, line breaks as Unix writes them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")


class PathField(forms.CharField):
    """The path of a file on the site's side. One that is read may be uploaded beside it, under UPLOAD + its name."""

    def __init__(self, parameter: Parameter, **told: Any) -> None:
        self.is_upload = parameter.type == ParameterType.INPUT_FILE
        text = _("A file to write: its path beneath %(root)s.")
        attrs = {"class": "code", "autocomplete": "off", "spellcheck": "false"}
        if self.is_upload:
            text = _("A file to read: upload one of at most %(limit)s, or give a path beneath %(root)s.")
            # The path may come with the upload, so the browser must not insist on it.
            attrs |= {"list": "offered-files", "data-path": ""}
        size = filesizeformat(UPLOAD_LIMIT_BYTES)
        widget = forms.TextInput(attrs=attrs)
        super().__init__(
            max_length=4096, strip=False, widget=widget, help_text=text % {"root": roots()[0], "limit": size}, **told
        )


class Zoned(forms.Form):
    """A form whose moments are entered in the zone that its field `zone` names: UTC without scripts."""

    zone = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"data-zone-field": ""}), initial="UTC")

    def full_clean(self) -> None:
        with timezone.override(zone_of(self.data.get("zone", ""))):
            super().full_clean()


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name, UTC if there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def new_key() -> str:
    """Names one form that was handed out: sending it twice makes one job."""
    return secrets.token_urlsafe(18)


class SubmitForm(Zoned):
    """A job of one type. What is wrong with its values is found where every job is checked."""

    queue = forms.ModelChoiceField(
        Queue.objects.none(), to_field_name="name", label=gettext_lazy("Queue"), empty_label=gettext_lazy("choose one")
    )
    host = forms.ModelChoiceField(
        Host.objects.none(), to_field_name="name", required=False, label=gettext_lazy("Host"),
        empty_label=gettext_lazy("by the type's or the queue's choice"),
    )  # fmt: skip
    not_before = forms.DateTimeField(
        required=False, label=gettext_lazy("Not before"), help_text=gettext_lazy("Empty: as soon as it may."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
    )  # fmt: skip
    priority = forms.IntegerField(
        required=False, initial=0, min_value=-PRIORITY_LIMIT, max_value=PRIORITY_LIMIT,
        label=gettext_lazy("Priority"), help_text=gettext_lazy("Larger first."),
    )  # fmt: skip
    is_held = forms.BooleanField(
        required=False, label=gettext_lazy("Hold"), help_text=gettext_lazy("It does not start until it is released.")
    )
    notes = Lines(
        required=False, max_length=TEXT_LIMIT, label=gettext_lazy("Notes"), widget=forms.Textarea(attrs={"rows": 2})
    )
    key = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, kind: JobType, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.declared = parameters_of(kind)
        for name, rows in (("queue", Queue.objects.all()), ("host", Host.objects.all())):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (declared so above)
            field.queryset = policy.submittable(user, rows, kind=kind)
            field.error_messages["invalid_choice"] = _("There is none of this name.")
        for parameter in self.declared:
            self.fields[name_of(parameter)] = field_of(parameter)

    @property
    def given(self) -> list[forms.BoundField]:
        """The fields of the type's parameters."""
        return [self[name_of(parameter)] for parameter in self.declared]

    @property
    def others(self) -> list[forms.BoundField]:
        """The fields that every job has."""
        return [self[name] for name in ("not_before", "priority", "is_held", "notes")]

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        return key if KEY.fullmatch(key) else new_key()

    def request(self) -> Request:
        """The job that is asked for."""
        asked = self.cleaned_data
        return Request(
            queue=asked["queue"].name,
            type=self.kind.name,
            params=self._params(),
            host=asked["host"].name if asked["host"] else None,
            notes=asked["notes"],
            priority=asked["priority"] or 0,
            not_before=asked["not_before"],
            is_held=asked["is_held"],
        )

    def _params(self) -> dict[str, object]:
        """Every value; an empty one only where it means an empty text instead of the default."""
        told = {parameter.name: self.cleaned_data[name_of(parameter)] for parameter in self.declared}
        may_be_empty = {p.name for p in self.declared if p.type == ParameterType.STRING and not p.required}
        return {name: value for name, value in told.items() if value or name in may_be_empty}

    def add_problems(self, found: Problems) -> None:
        """Show each problem beside its field; those of no field above all."""
        names = {f"params.{parameter.name}": name_of(parameter) for parameter in self.declared}
        for problem in found.problems:
            name = names.get(problem.field or "", problem.field or "")
            self.add_error(name if name in self.fields else None, str(problem))


def name_of(parameter: Parameter) -> str:
    """The name of the parameter's field."""
    return (SECRET_PREFIX if parameter.type == ParameterType.SECRET else PREFIX) + parameter.name


def field_of(parameter: Parameter) -> forms.Field:
    """A field to enter the parameter in. It refuses little: the values are checked where all are."""
    told: dict[str, Any] = {
        "label": parameter.title, "required": parameter.required and not parameter.default,
        "initial": parameter.default,
    }  # fmt: skip
    none = [] if parameter.required and parameter.default else [("", "—")]
    match parameter.type:
        case ParameterType.INT:
            number = forms.NumberInput(attrs={"step": "1", "inputmode": "numeric"})
            return forms.CharField(max_length=40, widget=number, **told)
        case ParameterType.BOOLEAN:
            return forms.ChoiceField(choices=[*none, *BOOLEANS], **told)
        case ParameterType.CHOICE:
            return forms.ChoiceField(choices=[*none, *((word, word) for word in parameter.choices)], **told)
        case ParameterType.SECRET:
            hidden = forms.PasswordInput(attrs={"autocomplete": "new-password"})
            return forms.CharField(strip=False, max_length=TEXT_LIMIT, widget=hidden, help_text=HIDDEN, **told)
        case ParameterType.INPUT_FILE | ParameterType.OUTPUT_FILE:
            return PathField(parameter, **told)
        case _:
            rows = min(12, (parameter.default or "").count("\n") + 1)
            area = forms.Textarea(attrs={"rows": rows, "class": "code grows", "spellcheck": "false"})
            return Lines(max_length=TEXT_LIMIT, widget=area, **told)
