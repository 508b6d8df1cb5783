from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import TextField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hosts.supervisor.records import RESERVED_VARIABLES
from jobs.commands import Syntax, compile_command
from jobs.config.definitions import names_for, variable_problems
from jobs.config.removal import remove_job_type
from jobs.models import Job, JobType, Parameter
from jobs.parameters import Parameter as Declared
from jobs.parameters import declare
from jobs.problems import Problem, Problems, Refused
from jobs.queueing.bell import ring
from scheduler_site.admin_fields import LinesField, VariablesField
from scheduler_site.admin_forced import ForcedAdmin
from scheduler_site.admin_parts import CheckedForm, CodeArea, TextArea
from scheduler_site.typed_admin import BaseInlineFormSet, ModelForm, TabularInline


class JobTypeForm(CheckedForm[JobType]):
    environment = VariablesField(
        label=gettext_lazy("Environment"),
        reserved=RESERVED_VARIABLES,
        help_text=gettext_lazy('Environment variables of the command, as a JSON object like {"LANG": "C.UTF-8"}.'),
    )

    class Meta:
        widgets: ClassVar = {"template": CodeArea(rows=16)}

    def problems_of(self, row: JobType) -> list[Problem]:
        return variable_problems(row.environment, field="environment")


class ParameterForm(ModelForm[Parameter]):
    choices = LinesField(label=gettext_lazy("Choices"), help_text=gettext_lazy("For a Choice: one value per line."))

    def clean_default(self) -> str | None:
        """None where nothing is written: there is no default, rather than an empty one."""
        return self.cleaned_data["default"] or None


class ParameterForms(BaseInlineFormSet[Parameter, JobType, ModelForm[Parameter]]):
    """All declared parameters of a type, and whether its template can be used with them."""

    def clean(self) -> None:
        if any(self.errors):
            return
        written = [form for form in self.forms if form.has_changed() or form.instance.pk]
        kept = [form for form in written if form not in self.deleted_forms]
        try:
            declared = declare([declaration(form) for form in kept])
            self._check_template(declared)
        except Problems as found:
            raise ValidationError(list(_shown(found, kept))) from found

    def _check_template(self, declared: Sequence[Declared]) -> None:
        """Only here, where the names of the parameters are known, can the template be judged. Raises Problems."""
        kind = self.instance
        if not kind.template or kind.syntax not in list(Syntax):
            return
        try:
            compile_command(kind.template, names=names_for(declared), syntax=Syntax(kind.syntax))
        except Problems as found:
            raise Problems(
                [replace(told, message=_("Template: %s") % told.message) for told in found.problems]
            ) from found


def _shown(found: Problems, forms: Sequence[ModelForm[Parameter]]) -> Iterator[str]:
    """Put each problem to its parameter's row: its field is like `params[2].name`. The others' texts."""
    for problem in found.problems:
        place, _dot, field = (problem.field or "").partition(".")
        number = place.removeprefix("params[").removesuffix("]")
        if number.isdigit():
            form = forms[int(number)]
            form.add_error(field if field in form.fields else None, str(problem))
        else:
            yield str(problem)


def declaration(form: ModelForm[Parameter]) -> dict[str, object]:
    """What a row of the form declares, as `jobs.parameters` reads it."""
    given = form.cleaned_data
    return {name: given[name] for name in ("name", "type", "title", "default", "required", "choices") if name in given}


class ParameterInline(TabularInline[Parameter, JobType]):
    model = Parameter
    form = ParameterForm
    formset = ParameterForms
    fields = ("position", "name", "type", "title", "default", "required", "choices")
    extra = 0
    formfield_overrides: ClassVar = {TextField: {"widget": TextArea(rows=1)}}


@admin.register(JobType)
class JobTypeAdmin(ForcedAdmin[JobType]):
    takes = Job
    form = JobTypeForm
    refusals = (Refused,)
    inlines = (ParameterInline,)
    list_display = ("name", "title", "on_fail", "host", "max_running", "time_limit_seconds", "submit_one")
    list_filter = ("on_fail", "host")
    list_select_related = ("host",)
    search_fields = ("name", "title")
    fieldsets = (
        (None, {"fields": ("name", "title", "template", "syntax")}),
        (gettext_lazy("When it fails"), {"fields": ("on_fail", "retry_when", "retry_count", "retry_delay_seconds")}),
        (gettext_lazy("Where and how many"), {"fields": ("host", "max_running")}),
        (
            gettext_lazy("How it runs"),
            {"fields": ("time_limit_seconds", "grace_seconds", "lost_after_seconds", "environment", "directory")},
        ),
    )

    def view_on_site(self, kind: JobType) -> str:
        return reverse("submit-type", args=[kind.name])

    @admin.display(description=gettext_lazy("submit"))
    def submit_one(self, kind: JobType) -> SafeString:
        return format_html('<a href="{}?type={}">{}</a>', reverse("admin:jobs_job_add"), kind.pk, _("a job of it"))

    def remove(self, row: JobType) -> None:
        remove_job_type(row)

    def remove_forced(self, row: JobType) -> None:
        remove_job_type(row, is_forced=True)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        ring()
