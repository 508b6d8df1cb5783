"""What the admin pages of all apps share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import models
from django.db.models import Model, QuerySet
from django.forms import BaseForm
from django.forms.models import construct_instance
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from accounts.audit import removed
from scheduler_site.admin_seen import SeenAdmin
from scheduler_site.policed_admin import PolicedAdmin
from scheduler_site.typed_admin import ModelForm

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Row = TypeVar("Row", bound=Model)


class TextArea(UnfoldAdminTextareaWidget):
    """A text area of so many lines."""

    def __init__(self, *, rows: int) -> None:
        super().__init__(attrs={"rows": rows})


class CodeArea(UnfoldAdminTextareaWidget):
    """A text area for code: a fixed pitch, and no words marked as misspelt."""

    def __init__(self, *, rows: int) -> None:
        super().__init__(attrs={"class": "monospaced", "rows": rows, "spellcheck": "false"})


class HiddenArea(CodeArea):
    """A text area for what is secret: it never shows what it was given."""

    def __init__(self, *, rows: int) -> None:
        super().__init__(rows=rows)
        self.attrs["autocomplete"] = "off"

    def format_value(self, value: Any) -> str:
        return ""


class HiddenInput(UnfoldAdminPasswordWidget):
    """A line for what is secret, which browsers do not fill in by themselves."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password"})


def table(heads: Sequence[StrOrPromise], rows: Iterable[Sequence[object]]) -> SafeString:
    """A table for a read-only field. Every cell is escaped; `-` where there is none."""
    head = format_html_join("", "<th>{}</th>", ((head,) for head in heads))
    lines = (
        format_html_join("", "<td>{}</td>", (("-" if cell in (None, "") else cell,) for cell in row)) for row in rows
    )
    return format_html(
        '<div class="inner-table"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        head,
        format_html_join("", "<tr>{}</tr>", ((line,) for line in lines)),
    )


class RecordAdmin(PolicedAdmin[Row]):
    """Pages of rows that only the site itself writes: to look at."""

    actions: Sequence[Any] | None = None
    show_full_result_count = False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Row | None:
        """None as well for a number that no database could hold, where the key is another row's."""
        try:
            return super().get_object(request, object_id, from_field)
        except OverflowError:
            return None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False


class RevocableAdmin(RecordAdmin[Row]):
    """Pages of rows that only the site writes, and that people may delete."""

    actions: Sequence[Any] | None = ()

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return super(RecordAdmin, self).has_delete_permission(request, obj)


class RefusingAdmin(SeenAdmin[Row]):
    """Pages on which something may be refused after all that could be checked was checked."""

    # What the stages behind the pages raise to refuse.
    refusals: ClassVar[tuple[type[Exception], ...]] = (models.ProtectedError,)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._told(
            request, lambda: super(RefusingAdmin, self).change_view(request, object_id, form_url, extra_context)
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._told(request, lambda: super(RefusingAdmin, self).delete_view(request, object_id, extra_context))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return self._told(request, lambda: super(RefusingAdmin, self).changelist_view(request, extra_context))

    def _told(self, request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponse:
        """The answer; if it is refused, the same page again with the reason."""
        try:
            return answer()
        except self.refusals as refusal:
            self.message_user(request, str(refusal.args[0]), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class SharedAdmin(RefusingAdmin[Row]):
    """Pages of rows that others refer to: they can be deleted only once nothing does."""

    # Rows that refer to one of these and go with it, whatever the database says.
    ignored_uses: ClassVar[Collection[type[Model]]] = ()

    def remove(self, row: Row) -> None:
        """Delete the row. May raise what `refusals` lists."""
        with removed(row):
            row.delete()

    def delete_model(self, request: HttpRequest, obj: Row) -> None:
        self.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Row]) -> None:
        for row in queryset:
            self.remove(row)

    def get_deleted_objects(
        self, objs: QuerySet[Row] | Sequence[Row], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Counts what stands in the way instead of listing it: a queue may have a million jobs."""
        rows = self.model._base_manager.filter(pk__in=[row.pk for row in objs])
        in_the_way = list(uses_of(rows, ignored=self.ignored_uses))
        if in_the_way:
            return [str(row) for row in objs], {}, self.not_permitted(request, "delete", objs), in_the_way
        # What goes with a row has no life of its own: the permission for the row is enough.
        going, counts, _needed, _ignored = super().get_deleted_objects(objs, request)
        return going, counts, self.not_permitted(request, "delete", objs), []


def uses_of(rows: QuerySet[Any], *, ignored: Collection[type[Model]] = ()) -> Iterator[str]:
    """`12 jobs` for each kind of row that keeps `rows`, or what would be deleted with them, from being deleted."""
    for relation in rows.model._meta.related_objects:
        if relation.many_to_many or relation.related_model in ignored:
            continue
        using = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": rows})
        if relation.on_delete is models.CASCADE:
            yield from uses_of(using, ignored=ignored)
        elif relation.on_delete is models.PROTECT and (count := using.count()):
            name = relation.related_model._meta
            yield f"{count} {name.verbose_name if count == 1 else name.verbose_name_plural}"


class ProblemLike(Protocol):
    """What is wrong with a value, and in which field."""

    @property
    def field(self) -> str | None: ...

    def __str__(self) -> str: ...


def show_problems(form: BaseForm, problems: Iterable[ProblemLike], *, fields: Mapping[str, str] | None = None) -> None:
    """Put each problem to the form's field it is about, by the longest known beginning of its name.

    `fields` says which field of the form stands for another name: {"time_limit": "time_limit_seconds"}.
    """
    for problem in problems:
        parts = (problem.field or "").replace("[", ".").split(".")
        name = (fields or {}).get(parts[0], parts[0])
        form.add_error(name if name in form.fields else NON_FIELD_ERRORS, str(problem))


class CheckedForm(ModelForm[Row]):
    """A form whose row is also looked at as a whole, by the check that all edges share."""

    def problems_of(self, row: Row) -> Iterable[ProblemLike]:
        """What is wrong with the unsaved row."""
        return ()

    def clean(self) -> dict[str, Any]:
        """Comes before the constraints of the database, whose messages name only themselves."""
        given = super().clean() or self.cleaned_data
        if not self.errors:
            show_problems(self, list(self.problems_of(construct_instance(self, copy(self.instance)))))
        return given
