from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.audit import changed
from jobs.models import Site
from jobs.queueing.bell import ring
from scheduler_site.admin_fields import VariablesField
from scheduler_site.admin_seen import SeenAdmin
from scheduler_site.typed_admin import ModelForm


class SiteForm(ModelForm[Site]):
    variables = VariablesField(
        label=_("Variables"),
        help_text=_(
            'A JSON object like {"name": "value"}: values for the templates of all job types. '
            "A host's variables and a job's own parameters win over them."
        ),
    )


@admin.register(Site)
class SiteAdmin(SeenAdmin[Site]):
    """The one row: its list leads to it."""

    form = SiteForm
    fields = ("uuid", "is_paused", "variables")
    readonly_fields = ("uuid",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Site | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:jobs_site_change", args=[Site.get().pk]))

    def save_model(self, request: HttpRequest, obj: Site, form: Form, change: bool) -> None:
        with changed(obj):
            obj.save(update_fields=["is_paused", "variables"])
        ring()
