"""Two people who change one row at a time: the second is told, before what the first did is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.forms import BaseForm
from django.forms.models import _get_foreign_key, model_to_dict
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from scheduler_site.policed_admin import PolicedAdmin
from scheduler_site.typed_admin import ModelForm

Row = TypeVar("Row", bound=Model)

SENT = "_seen"


class FreshForm(ModelForm[Any]):
    """A form that knows what has changed in its row since the page was made."""

    changes: Callable[[], list[str]]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if names := self.changes():
            told = _("Somebody else changed this meanwhile: %(names)s. Saving again writes over it; to see it, reload.")
            self.add_error(None, told % {"names": ", ".join(names)})
        return given


class SeenAdmin(PolicedAdmin[Row]):
    """Pages whose form carries what was seen of the row when it was shown."""

    change_form_before_template = "admin/seen.html"

    def get_form(self, request: HttpRequest, obj: Row | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if not change or obj is None or not request.POST.get(SENT):
            return form
        changes_of_row = partial(self._changes, request, obj, form.base_fields)

        class Fresh(FreshForm, form):  # type: ignore[misc, valid-type]
            changes = changes_of_row

        return Fresh

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Row | None = None,
    ) -> HttpResponse:
        context["seen_name"] = SENT
        if obj is not None:
            form = context["adminform"].form
            # Who was told of the others' change may write over it; other mistakes leave what was seen as it was.
            is_told = not form.is_bound or bool(form.non_field_errors())
            context["seen"] = self._seen(request, obj, form) if is_told else request.POST.get(SENT, "")
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _changes(self, request: HttpRequest, obj: Row, fields: Mapping[str, Any]) -> list[str]:
        """The names of what differs between what the browser was shown and the row as it is now."""
        shown = dict(part.split(":", 1) for part in request.POST[SENT].split() if ":" in part)
        # Whoever saves comes after whoever is saving.
        row = self.model._base_manager.select_for_update().filter(pk=obj.pk).first()
        now = self._digests(request, row, fields) if row is not None else {}
        return [self._label(name) for name in now if name in shown and shown[name] != now[name]]

    def _seen(self, request: HttpRequest, obj: Row, form: BaseForm) -> str:
        row = self.model._base_manager.filter(pk=obj.pk).first()
        digests = self._digests(request, row, form.fields) if row is not None else {}
        return " ".join(f"{name}:{digest}" for name, digest in digests.items())

    def _digests(self, request: HttpRequest, row: Row, fields: Mapping[str, Any]) -> dict[str, str]:
        """A short digest of each field, and of all rows of each inline."""
        values: dict[str, Any] = model_to_dict(row, fields=list(fields))
        for inline in self.get_inlines(request, row):
            owner = _get_foreign_key(self.model, inline.model, inline.fk_name).name
            rows = inline.model._base_manager.filter(**{owner: row}).order_by("pk")
            values[inline.model.__name__] = list(rows.values())
        return {name: hashlib.sha256(repr(value).encode()).hexdigest()[:16] for name, value in values.items()}

    def _label(self, name: str) -> str:
        for inline in self.inlines:
            if inline.model.__name__ == name:
                return str(inline.model._meta.verbose_name_plural)
        return capfirst(str(admin.utils.label_for_field(name, self.model, self)))
