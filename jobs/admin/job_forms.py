"""The two forms of a job: to submit one, and to change the little that may be changed later."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import policy
from accounts.models import User
from jobs.models import Job, Parameter
from jobs.problems import Problems, Refused
from jobs.queueing.submit import NOTES_LIMIT, Request, submit
from scheduler_site.admin_fields import ObjectField
from scheduler_site.admin_parts import TextArea, show_problems
from scheduler_site.api.admission import check_room
from scheduler_site.api.errors import Unavailable
from scheduler_site.typed_admin import ModelForm

# The name of a hidden field: sent twice with one value, a form makes one job.
ONCE: Final = "_once"


class SubmitForm(ModelForm[Job]):
    """A job to be submitted by `submitter`. Once it is valid, `submitted` is the job."""

    submitter: ClassVar[User]
    submitted: Job
    was_sent_before = False

    params = ObjectField(
        label=_("Parameters"),
        help_text=_('A JSON object with the values of the job type\'s parameters, like {"command": "uptime"}.'),
    )

    class Meta:
        model = Job
        fields = ("queue", "type", "params", "host", "priority", "not_before", "is_held", "notes")

    def clean(self) -> dict[str, Any]:
        """Submits the job if all else is well: whether it is possible only the stage that takes it in can say."""
        given = super().clean() or self.cleaned_data
        if self.errors:
            return given
        try:
            check_room()
            asked = self._request(given)
            policy.require_submission(self.submitter, [asked])
            self.submitted = submit(asked, owner=self.submitter, at=timezone.now(), idempotency_key=self._key())
        except Problems as found:
            show_problems(self, found.problems)
        except PermissionDenied as denied:
            self.add_error(None, str(denied))
        except Unavailable as full:
            self.add_error(None, str(full.detail))
        except Refused:
            self.was_sent_before = True
            told = _("This form made a job already. Save once more to make another with these values.")
            self.add_error(None, told)
        return given

    def full_clean(self) -> None:
        """What was entered is shown again if anything is wrong with it, but for secrets."""
        super().full_clean()
        if self.is_bound and self.errors:
            self.data = {**self.data, "params": self._without_secrets(self.data.get("params", ""))}

    def _without_secrets(self, text: str) -> str:
        """The entered parameters; nothing of them if it cannot be told where a secret is."""
        secret = Parameter.objects.filter(type=Parameter.Type.SECRET)
        if (kind := self.cleaned_data.get("type")) is not None:
            secret = secret.filter(job_type=kind)
        hidden = set(secret.values_list("name", flat=True))
        if not hidden:
            return text
        try:
            given = json.loads(text)
            return json.dumps({name: "" if name in hidden else value for name, value in given.items()}, indent=2)
        except (ValueError, AttributeError, RecursionError):
            return ""

    def _key(self) -> str | None:
        sent = self.data.get(ONCE, "")[:100]
        return f"form:{sent}" if sent else None

    def _request(self, given: dict[str, Any]) -> Request:
        return Request(
            queue=given["queue"].name,
            type=given["type"].name,
            params=given["params"],
            host=given["host"].name if given["host"] else None,
            notes=given["notes"],
            priority=given["priority"],
            not_before=given["not_before"],
            is_held=given["is_held"],
        )


class ChangeForm(ModelForm[Job]):
    """What may be changed of a job that has been submitted."""

    notes = forms.CharField(label=_("Notes"), required=False, max_length=NOTES_LIMIT, widget=TextArea(rows=3))

    class Meta:
        model = Job
        fields = ("priority", "notes")
