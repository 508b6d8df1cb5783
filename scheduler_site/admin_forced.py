"""Admin pages on which rows can be removed together with what needs them, once that was asked about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import policy
from jobs.problems import Refused
from scheduler_site.admin_parts import SharedAdmin, uses_of
from scheduler_site.policed_admin import person

Row = TypeVar("Row", bound=Model)

ACTION = "remove_with_all"


class ForcedAdmin(SharedAdmin[Row]):
    """Pages of rows that others need. As in the API, a forced removal takes those with it, unless something runs."""

    # What goes with a row and is not a part of it: all of it has to be the user's to remove.
    takes: ClassVar[type[Model] | None] = None
    actions: Sequence[Any] | None = (ACTION,)

    def remove_forced(self, row: Row) -> None:
        """Remove the row with what needs it. Raises Refused."""
        raise NotImplementedError

    @admin.action(
        description=gettext_lazy("Remove selected %(verbose_name_plural)s with everything that needs them"),
        permissions=["delete"],
    )
    def remove_with_all(self, request: HttpRequest, rows: QuerySet[Row]) -> HttpResponse | None:
        """Asks first; then removes each, or tells why it stays."""
        if self.takes is not None:
            policy.require_everywhere(person(request), "delete", self.takes)
        chosen = list(policy.permitted(person(request), "delete", rows))
        if "post" not in request.POST:
            return self._asked(request, rows, chosen)
        for row in chosen:
            self._remove_one(request, row)
        return None

    def _remove_one(self, request: HttpRequest, row: Row) -> None:
        told = {"kind": self.model._meta.verbose_name, "name": str(row)}
        try:
            self.remove_forced(row)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(request, _("The %(kind)s “%(name)s” was removed.") % told, messages.SUCCESS)

    def _asked(self, request: HttpRequest, rows: QuerySet[Row], chosen: list[Row]) -> TemplateResponse:
        """The question: each row, and what goes with it."""
        model = self.model
        context = {
            **self.admin_site.each_context(request),
            "title": _("Remove with everything that needs it"),
            "rows": [(row, self._uses(row)) for row in chosen],
            "kept": [row for row in rows if row not in chosen],
            "action": ACTION,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "opts": model._meta,
        }
        return TemplateResponse(request, "admin/remove_with_all.html", context)

    def _uses(self, row: Row) -> list[str]:
        """What needs it, each kind once: jobs are found by more than one way."""
        rows = self.model._base_manager.filter(pk=row.pk)
        return list(dict.fromkeys(uses_of(rows, ignored=self.ignored_uses)))
